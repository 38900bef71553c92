"use strict";
/* How a click uncovers a covered face. The same rule, step by step, as humanlike.people.discs. */

var discs = {
  COVER: 128,

  /* How much a disc shows at a distance from its centre: 1 within half the radius, 0 beyond it. */
  shows(distance, radius) {
    const edge = Math.min(Math.max(2 * distance / radius - 1, 0), 1);
    return (1 + Math.cos(Math.PI * edge)) / 2;
  },

  /* Multiply what is hidden, side * side numbers from 0 to 1, by what a disc at (x, y) leaves. */
  uncover(hidden, side, x, y, radius) {
    for (let row = 0; row < side; row++) {
      for (let column = 0; column < side; column++) {
        const distance = Math.hypot(column - x, row - y);
        if (distance < radius) hidden[row * side + column] *= 1 - this.shows(distance, radius);
      }
    }
  },

  /* Paint gray values as they are seen into RGBA pixels. */
  paint(face, hidden, pixels) {
    for (let place = 0; place < face.length; place++) {
      const visible = 1 - hidden[place];
      const gray = Math.floor(visible * face[place] + (1 - visible) * this.COVER + 0.5);
      pixels.fill(gray, 4 * place, 4 * place + 3);
      pixels[4 * place + 3] = 255;
    }
  },
};
