"use strict";
/* What both tasks share: elements, and questions that are answered by buttons or keys. */

/* An element with attributes and children; texts are never read as HTML. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/* A word of words.yaml with its {places} filled in. */
function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (all, name) => (name in values ? values[name] : all));
}

/* Seconds since a moment of performance.now(), to the millisecond. */
function secondsSince(moment) {
  return Math.round(performance.now() - moment) / 1000;
}

/* Keys that answer: F and J where two are offered, else digits. */
function answerKeys(count) {
  return count === 2 ? ["f", "j"] : Array.from({ length: count }, (_, n) => String(n + 1));
}

/* So long, in milliseconds, nothing is taken for an answer: it is the rest of a double click. */
const TOO_SOON = 150;

/* Buttons for the choices, each {value, label}; gives the value chosen by click or key. */
function choose(place, choices, keys, label) {
  return new Promise((resolve) => {
    const group = element("div", { class: "answers", role: "group", "aria-label": label });
    group.classList.toggle("two", choices.length === 2);
    const end = (value) => {
      document.removeEventListener("keydown", pressed);
      group.remove();
      resolve(value);
    };
    const pressed = (event) => {
      if (group.querySelector("button:disabled") || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
      const which = keys.indexOf(event.key.toLowerCase());
      if (which >= 0) end(choices[which].value);
    };
    choices.forEach((choice, which) => {
      const button = element("button", { type: "button", "data-value": choice.value, disabled: "" }, choice.label);
      if (choice.label !== keys[which])
        button.append(element("kbd", { "aria-hidden": "true" }, keys[which].toUpperCase()));
      button.addEventListener("click", () => end(choice.value));
      group.append(button);
    });
    document.addEventListener("keydown", pressed);
    place.append(group);
    setTimeout(() => {
      for (const button of group.children) button.disabled = false;
    }, TOO_SOON);
  });
}

/* Ask how sure the observer is, on so many levels from 0 to 1; null where it is not asked. */
async function askConfidence(display, levels, words) {
  if (!levels) return null;
  display.querySelector(".question").textContent = words.confidence;
  const choices = Array.from({ length: levels }, (_, n) => ({
    value: n / (levels - 1),
    label: n === 0 ? words.unsure : n === levels - 1 ? words.sure : String(n + 1),
  }));
  const place = element("div", { class: "scale" });
  display.querySelector(".trial").append(place);
  return choose(place, choices, answerKeys(levels).map((_, n) => String(n + 1)), words.confidence);
}

/* The frame of a trial: question, face and a line below it. */
function frame(display, question, canvas, label) {
  const face = element("div", { class: "face", role: "img", "aria-label": label }, canvas);
  const note = element("p", { class: "note", role: "status" });
  const trial = element(
    "div", { class: "trial" }, element("h1", { class: "question" }, question), face, note,
  );
  display.append(trial);
  return { trial, face, note };
}

/* A face as gray values, from its preloaded picture. */
async function grays(source, side) {
  const picture = new Image();
  picture.src = source;
  await picture.decode();
  const canvas = element("canvas", { width: side, height: side });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, side, side);
  return Uint8ClampedArray.from({ length: side * side }, (_, place) => data[4 * place]);
}

/* The moment at which what was just drawn is on the screen. */
function onset() {
  return new Promise((resolve) => requestAnimationFrame(() => resolve(performance.now())));
}
