// A network in the page in the place of the kernel that square.js asks.

(() => {
  const FILLS = { grey: 0.5, black: 0, white: 1, mean: null };  // of the notebook's, those that need no filter

  function png(colour, size) {  // a picture whose place n has a colour, as a file
    const canvas = document.createElement("canvas"), image = new ImageData(size, size);
    [canvas.width, canvas.height] = [size, size];
    for (let n = 0; n < size * size; n++) image.data.set(colour(n).map(one => 255 * one).concat(255), 4 * n);
    canvas.getContext("2d").putImageData(image, 0, 0);
    return new Promise(done => canvas.toBlob(done));
  }

  modelOf("square", async ({ pictures, x, y, side }, net) => {
    const { size } = net, area = size * size, first = Object.keys(pictures)[0];
    const state = { _pictures: Object.keys(pictures), _fills: Object.keys(FILLS), _size: [size, size], picture: first, x, y, side, fill: "grey" };
    let [pixels, was, asked] = [null, null, ""];
    const model = kept(state, fresh);
    const colour = () => {
      const one = FILLS[state.fill];
      return [0, 1, 2].map(c => one ?? pixels.subarray(c * area, (c + 1) * area).reduce((sum, value) => sum + value, 0) / area);
    };
    const answer = () => {
      const covered = pixels.slice(), fill = colour(), end = at => Math.min(at + state.side, size);
      for (let c = 0; c < 3; c++) for (let row = Math.max(state.y, 0); row < end(state.y); row++) {
        covered.fill(fill[c], c * area + row * size + Math.max(state.x, 0), c * area + row * size + end(state.x));
      }
      const now = softmax(net.run(covered));
      model.put("rows", net.classes.map((name, n) => [name, was[n], now[n]]));
    };
    async function fresh() {  // another picture, another fill
      if (asked === `${state.picture} ${state.fill}`) return answer();
      const wanted = asked = `${state.picture} ${state.fill}`, found = await pixelsOf(pictures[state.picture], size);
      if (asked !== wanted) return;
      pixels = found;
      was = softmax(net.run(pixels));
      const fill = colour(), [shown, behind] = await Promise.all([png(n => [0, 1, 2].map(c => pixels[c * area + n]), size), png(() => fill, size)]);
      model.put("_shown", shown);
      model.put("_behind", behind);
      answer();
    }
    await fresh();
    return model;
  });
})();
