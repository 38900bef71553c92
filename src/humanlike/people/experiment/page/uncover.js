"use strict";
/* jsPsych plugin: a covered face, two expressions; each click uncovers a soft disc. */

var HumanlikeUncover = (function (jspsych) {
  const { ParameterType } = jspsych;
  const STEP = 6;
  const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  return class HumanlikeUncover {
    static info = {
      name: "humanlike-uncover",
      version: "1.0.0",
      parameters: {
        image: { type: ParameterType.IMAGE },
        choices: { type: ParameterType.COMPLEX, array: true },
        side: { type: ParameterType.INT },
        radius: { type: ParameterType.FLOAT },
        clicks: { type: ParameterType.INT },
        confidence: { type: ParameterType.INT, default: 0 },
        words: { type: ParameterType.OBJECT },
      },
      data: {
        response: { type: ParameterType.STRING },
        rt: { type: ParameterType.FLOAT },
        confidence: { type: ParameterType.FLOAT },
        clicks: { type: ParameterType.COMPLEX, array: true },
      },
    };

    constructor(jsPsych) {
      this.jsPsych = jsPsych;
    }

    trial(display, trial, on_load) {
      this.run(display, trial, on_load).then((data) => this.jsPsych.finishTrial(data));
    }

    async run(display, trial, on_load) {
      const { side, radius, words } = trial;
      const face = await grays(trial.image, side);
      const canvas = element("canvas", { width: side, height: side });
      const context = canvas.getContext("2d");
      const pixels = context.createImageData(side, side);
      const hidden = new Float64Array(side * side).fill(1);
      const clicks = [];

      const parts = frame(display, words.question, canvas, words.face);
      // Arrow keys and space are for the face while it has the focus.
      const place = parts.face;
      place.setAttribute("role", "application");
      place.setAttribute("tabindex", "0");
      const cross = element("i", { class: "cross", hidden: "" });
      place.append(cross);
      const at = { x: (side - 1) / 2, y: (side - 1) / 2 };

      const draw = () => {
        discs.paint(face, hidden, pixels.data);
        context.putImageData(pixels, 0, 0);
        parts.note.textContent =
          clicks.length < trial.clicks
            ? filled(words.clicks, { n: clicks.length })
            : words.no_more_clicks;
      };
      draw();
      place.focus({ preventScroll: true });
      const start = await onset();
      on_load();

      const click = (x, y) => {
        if (clicks.length >= trial.clicks) return;
        // What is stored is what was seen.
        [x, y] = [x, y].map((value) => Math.round(100 * value) / 100);
        clicks.push([x, y, secondsSince(start)]);
        discs.uncover(hidden, side, x, y, radius);
        draw();
      };
      const pointed = (event) => {
        if (!event.isPrimary || event.button !== 0) return;
        const box = canvas.getBoundingClientRect();
        const [x, y] = [
          ((event.clientX - box.left) / box.width) * side - 0.5,
          ((event.clientY - box.top) / box.height) * side - 0.5,
        ];
        if (Math.min(x, y) < -0.5 || Math.max(x, y) > side - 0.5) return;
        cross.hidden = true;
        click(x, y);
      };
      const pressed = (event) => {
        if (event.key === " " || event.key === "Enter") {
          if (!event.repeat) click(at.x, at.y);
        } else if (event.key in MOVES) {
          const step = event.shiftKey ? 1 : STEP;
          const [right, down] = MOVES[event.key];
          at.x = Math.min(Math.max(at.x + step * right, 0), side - 1);
          at.y = Math.min(Math.max(at.y + step * down, 0), side - 1);
        } else return;
        event.preventDefault();
        cross.hidden = false;
        cross.style.left = `${(100 * (at.x + 0.5)) / side}%`;
        cross.style.top = `${(100 * (at.y + 0.5)) / side}%`;
      };
      canvas.addEventListener("pointerdown", pointed);
      place.addEventListener("keydown", pressed);

      const response = await choose(
        parts.trial, trial.choices, answerKeys(trial.choices.length), words.question,
      );
      const rt = secondsSince(start);
      canvas.removeEventListener("pointerdown", pointed);
      place.removeEventListener("keydown", pressed);
      cross.hidden = true;
      const confidence = await askConfidence(display, trial.confidence, words);
      return { response, rt, confidence, clicks };
    }
  };
})(jsPsychModule);
