"use strict";
/* jsPsych plugin: one whole face; which of two or more expressions is it, and how sure? */

var HumanlikeCategorise = (function (jspsych) {
  const { ParameterType } = jspsych;

  return class HumanlikeCategorise {
    static info = {
      name: "humanlike-categorise",
      version: "1.0.0",
      parameters: {
        image: { type: ParameterType.IMAGE },
        choices: { type: ParameterType.COMPLEX, array: true },
        side: { type: ParameterType.INT },
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
      const { side, words } = trial;
      const face = await grays(trial.image, side);
      const canvas = element("canvas", { width: side, height: side });
      const context = canvas.getContext("2d");
      const pixels = context.createImageData(side, side);
      discs.paint(face, new Float64Array(side * side), pixels.data);
      context.putImageData(pixels, 0, 0);
      const parts = frame(display, words.question, canvas, words.face);
      const start = await onset();
      on_load();
      const response = await choose(
        parts.trial, trial.choices, answerKeys(trial.choices.length), words.question,
      );
      const rt = secondsSince(start);
      const confidence = await askConfidence(display, trial.confidence, words);
      return { response, rt, confidence, clicks: [] };
    }
  };
})(jsPsychModule);
