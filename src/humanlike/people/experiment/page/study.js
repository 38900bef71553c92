"use strict";
/* The experiment from consent to debriefing, on jsPsych. */

(async function () {
  const stage = document.getElementById("stage");
  const saving = document.getElementById("saving");
  const progress = document.getElementById("progress");
  const config = await (await fetch("config.json")).json();
  const { words } = config;
  const observer = new URLSearchParams(location.search).get("observer") ?? "";
  let stopped = false;

  /* A page that nothing follows. */
  function last(...content) {
    stopped = true;
    stage.replaceChildren(element("div", { class: "text" }, ...content));
  }

  const Kept = { server: ServerKeeper, static: StaticKeeper, jatos: JatosKeeper }[config.mode];
  const keeper = new Kept(
    config,
    (waiting) => {
      saving.textContent = waiting ? filled(words.waiting, { n: waiting }) : "";
    },
    (reason) => last(element("h1", {}, words.stopped), element("p", {}, reason)),
  );

  /* Run a timeline of its own, and give the data of its last trial. */
  async function run(...timeline) {
    stage.replaceChildren();
    const jsPsych = initJsPsych({ display_element: stage });
    await jsPsych.run(timeline);
    // A stopped session stays at the page that says so.
    if (stopped) await new Promise(() => {});
    return jsPsych.data.get().values().at(-1);
  }

  /* A page of text, made of the researcher's Markdown, with buttons below; gives which one. */
  function text(html, ...choices) {
    return {
      type: jsPsychHtmlButtonResponse,
      css_classes: "text",
      stimulus: html,
      choices,
      button_layout: "flex",
      button_html: () => "<button></button>",
      // Labels are the researcher's words, not HTML.
      on_load: () => {
        const buttons = stage.querySelectorAll("button");
        buttons.forEach((button, which) => {
          button.textContent = choices[which];
        });
        if (buttons.length === 1) buttons[0].focus({ preventScroll: true });
        scrollTo(0, 0);
      },
    };
  }

  const escaped = (words_) => element("p", {}, words_).outerHTML;
  const heading = (words_) => element("h1", {}, words_).outerHTML;
  const picture = (stimulus) => `stimuli/${stimulus}.png`;

  function fullScreen() {
    // Phones may not have it, and observers may refuse it.
    document.documentElement.requestFullscreen?.()?.catch(() => {});
  }

  /* One trial of the task. */
  function shown([stimulus, left, right], options = {}) {
    const offered = left ? [left, right] : keeper.turned;
    return {
      type: config.task === "uncover" ? HumanlikeUncover : HumanlikeCategorise,
      image: picture(stimulus),
      choices: offered.map((value) => ({ value, label: words.expressions[value] ?? value })),
      side: config.side,
      words,
      confidence: config.confidence,
      ...(config.task === "uncover" && { radius: config.radius, clicks: config.clicks }),
      ...options,
    };
  }

  async function preload(trials) {
    const images = [...new Set(trials.map(([stimulus]) => picture(stimulus)))];
    const bar = element("progress", { max: images.length, value: 0, "aria-label": words.loading });
    stage.replaceChildren(element("div", { class: "text" }, element("h1", {}, words.loading), bar));
    for (const image of images) {
      for (let delay = 500; ; delay = Math.min(2 * delay, 8000)) {
        const loaded = new Image();
        loaded.src = image;
        try {
          await loaded.decode();
          kept.push(loaded);
          bar.value += 1;
          break;
        } catch {
          await pause(delay);
        }
      }
    }
  }
  const kept = [];

  function practised([stimulus, left, right, truth]) {
    let response;
    return [
      shown([stimulus, left, right], {
        on_finish: (data) => {
          response = data.response;
        },
      }),
      {
        ...text("", words.next),
        stimulus: () => {
          const label = words.expressions[truth] ?? truth;
          const said = response === truth ? words.right : words.wrong;
          const whole = element("img", { class: "whole", src: picture(stimulus), alt: label });
          return heading(filled(said, { expression: label })) + whole.outerHTML;
        },
      },
    ];
  }

  async function trials() {
    const total = keeper.trials.length;
    const first = keeper.next();
    for (let number = first; number <= total; number++) {
      if (number > first && config.break_every && (number - 1) % config.break_every === 0) {
        const pause_ = filled(words.break, { n: number - 1, total });
        await run(text(heading(words.break_title) + escaped(pause_), words.next));
      }
      const trial = keeper.trials[number - 1];
      progress.textContent = `${number} / ${total}`;
      const { response, rt, confidence, clicks } = await run(shown(trial));
      keeper.keep(number, { stimulus: trial[0], response, rt, confidence, clicks });
    }
    progress.textContent = "";
  }

  async function debrief() {
    last(element("h1", {}, words.saving));
    await keeper.settled();
    const { withdrawal, file } = await keeper.end();
    if (document.fullscreenElement) await document.exitFullscreen().catch(() => {});
    const content = element("div", {});
    content.innerHTML = config.debriefing;
    const code = element("p", { class: "code" }, withdrawal);
    const parts = [content, element("p", {}, words.code), code];
    if (file) {
      const link = element("a", { class: "button", download: `${config.study}-${withdrawal.slice(0, 6)}.jsonl` }, words.download);
      link.href = URL.createObjectURL(file);
      const again = element("button", { type: "button", class: "quiet" }, words.anew);
      again.addEventListener("click", () => {
        keeper.forget();
        location.reload();
      });
      // Nobody starts anew before the answers are safe.
      again.hidden = true;
      link.addEventListener("click", () => {
        again.hidden = false;
      });
      parts.splice(1, 0, element("p", { class: "answers" }, link));
      parts.push(element("p", { class: "answers" }, again));
    }
    if (config.mode === "jatos") {
      const end = element("button", { type: "button" }, words.finish);
      end.addEventListener("click", () => jatos.endStudy());
      parts.push(element("p", { class: "answers" }, end));
    }
    last(...parts);
    scrollTo(0, 0);
  }

  async function main() {
    if (observer && !/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(observer)) {
      last(element("h1", {}, words.stopped), element("p", {}, words.bad_observer));
      return;
    }
    if (config.mode === "jatos") await new Promise((resolve) => jatos.onLoad(resolve));
    let resumed = await keeper.found();
    if (resumed && keeper.next() <= keeper.trials.length) {
      const so_far = filled(words.resume, { n: keeper.next() - 1, total: keeper.trials.length });
      const page = text(heading(config.title) + escaped(so_far), words.go_on, words.anew);
      if ((await run({ ...page, on_finish: (data) => data.response === 0 && fullScreen() })).response) {
        await keeper.settled();
        keeper.forget();
        resumed = false;
      } else keeper.pump();
    }
    if (!resumed) {
      const consent = await run(text(config.consent, words.agree, words.decline));
      if (consent.response !== 0) {
        last(element("h1", {}, words.declined));
        return;
      }
      await keeper.begin(observer);
    }
    // Where all expressions are offered, their order differs from list to list, and not within one.
    const turn = keeper.state.list % config.choices.length;
    keeper.turned = [...config.choices.slice(turn), ...config.choices.slice(0, turn)];
    await preload([...(resumed ? [] : config.practice), ...keeper.trials]);
    if (!resumed) {
      const start = text(config.instructions, words.start);
      await run({ ...start, on_finish: fullScreen });
      if (config.practice.length) {
        progress.textContent = words.practice;
        await run(
          ...config.practice.flatMap(practised),
          text(heading(words.practised) + escaped(filled(words.begins, { total: keeper.trials.length })), words.start),
        );
      }
    }
    await trials();
    await debrief();
  }

  async function begin() {
    try {
      await main();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      last(element("h1", {}, words.stopped), element("p", {}, error.message));
    }
  }

  /* Two windows of one session would answer the same trials twice. */
  if (navigator.locks) {
    await navigator.locks.request(keeper.key, { ifAvailable: true }, async (lock) => {
      if (lock) await begin();
      else last(element("h1", {}, words.stopped), element("p", {}, words.elsewhere));
    });
  } else await begin();
})();
