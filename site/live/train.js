// A small network that learns: a chain of layers, each with its own way forward and back, one picture at a time, and
// steps down the gradient with momentum. Plain JavaScript; digits of 8 × 8 pixels need no more.

function dice(seed) {  // numbers in [0, 1), the same after the same seed (mulberry32)
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const normal = random => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

// A layer has an input and an output {c, h, w, values, slopes}, slopes being the loss's gradient; `forward` fills the
// output's values, `backward` the input's slopes, and adds to the gradients of its own weights.
const blob = (c, h, w) => ({ c, h, w, values: new Float32Array(c * h * w), slopes: new Float32Array(c * h * w) });
const parameter = count => ({ values: new Float32Array(count), slopes: new Float32Array(count), speed: new Float32Array(count) });

class Conv {  // stride 1, padded so that the map keeps its size
  constructor(input, out, k, random) {
    Object.assign(this, { input, k, output: blob(out, input.h, input.w), weight: parameter(out * input.c * k * k), bias: parameter(out) });
    const size = Math.sqrt(2 / (input.c * k * k));  // He et al. 2015
    for (let n = 0; n < this.weight.values.length; n++) this.weight.values[n] = size * normal(random);
  }

  // Calls back with a weight's number and the rows and columns of the output that it reads the input for
  each(found) {
    const { input: { c, h, w }, k, output } = this, pad = k >> 1;
    let n = 0;
    for (let o = 0; o < output.c; o++) for (let i = 0; i < c; i++) for (let v = -pad; v < k - pad; v++) for (let u = -pad; u < k - pad; u++) {
      found(n++, o * h * w, i * h * w + v * w + u, Math.max(0, -v), Math.min(h, h - v), Math.max(0, -u), Math.min(w, w - u));
    }
  }

  forward() {
    const { input, output, weight, bias } = this, { h, w } = input, area = h * w, x = input.values, y = output.values;
    for (let o = 0; o < output.c; o++) y.fill(bias.values[o], o * area, (o + 1) * area);
    this.each((n, to, from, top, bottom, left, right) => {
      const one = weight.values[n];
      for (let r = top; r < bottom; r++) for (let at = r * w + left, end = r * w + right; at < end; at++) y[to + at] += one * x[from + at];
    });
  }

  backward() {
    const { input, output, weight, bias } = this, { h, w } = input, area = h * w, x = input.values, dx = input.slopes, dy = output.slopes;
    dx.fill(0);
    for (let o = 0; o < output.c; o++) for (let n = o * area; n < (o + 1) * area; n++) bias.slopes[o] += dy[n];
    this.each((n, to, from, top, bottom, left, right) => {
      const one = weight.values[n];
      let sum = 0;
      for (let r = top; r < bottom; r++) for (let at = r * w + left, end = r * w + right; at < end; at++) {
        sum += dy[to + at] * x[from + at];
        dx[from + at] += one * dy[to + at];
      }
      weight.slopes[n] += sum;
    });
  }
}

class Relu {
  constructor(input) { Object.assign(this, { input, output: blob(input.c, input.h, input.w) }); }

  forward() { this.output.values.forEach((_, n, all) => { all[n] = Math.max(this.input.values[n], 0); }); }

  backward() { this.input.slopes.forEach((_, n, all) => { all[n] = this.input.values[n] > 0 ? this.output.slopes[n] : 0; }); }
}

class Max {  // of windows of 2 × 2
  constructor(input) {
    Object.assign(this, { input, output: blob(input.c, input.h >> 1, input.w >> 1) });
    this.from = new Int32Array(this.output.values.length);
  }

  forward() {
    const { input: { c, h, w, values }, output, from } = this;
    let n = 0;
    for (let i = 0; i < c; i++) for (let y = 0; y < output.h; y++) for (let x = 0; x < output.w; x++, n++) {
      const first = i * h * w + 2 * y * w + 2 * x;
      let best = first;
      for (const at of [first + 1, first + w, first + w + 1]) if (values[at] > values[best]) best = at;
      output.values[n] = values[from[n] = best];
    }
  }

  backward() {
    this.input.slopes.fill(0);
    this.from.forEach((at, n) => { this.input.slopes[at] += this.output.slopes[n]; });
  }
}

class Linear {
  constructor(input, out, random) {
    const wide = input.values.length, size = Math.sqrt(1 / wide);
    Object.assign(this, { input, output: blob(out, 1, 1), weight: parameter(out * wide), bias: parameter(out) });
    for (let n = 0; n < out * wide; n++) this.weight.values[n] = size * normal(random);
  }

  forward() {
    const { input: { values: x }, output: { values: y }, weight, bias } = this;
    for (let o = 0, n = 0; o < y.length; o++) {
      let sum = bias.values[o];
      for (let i = 0; i < x.length; i++) sum += weight.values[n++] * x[i];
      y[o] = sum;
    }
  }

  backward() {
    const { input: { values: x, slopes: dx }, output: { slopes: dy }, weight, bias } = this;
    dx.fill(0);
    for (let o = 0, n = 0; o < dy.length; o++) {
      bias.slopes[o] += dy[o];
      for (let i = 0; i < x.length; i++, n++) {
        weight.slopes[n] += dy[o] * x[i];
        dx[i] += dy[o] * weight.values[n];
      }
    }
  }
}

// 8 filters of 5 × 5, the strongest of four, 16 filters of 3 × 3, the strongest of four, ten answers
class Learner {
  constructor(seed, side = 8, classes = 10) {
    const random = dice(seed), first = blob(1, side, side), layers = [];
    const after = () => (layers.length ? layers.at(-1).output : first);
    layers.push(new Conv(first, 8, 5, random));
    layers.push(new Relu(after()));
    layers.push(new Max(after()));
    layers.push(new Conv(after(), 16, 3, random));
    layers.push(new Relu(after()));
    layers.push(new Max(after()));
    layers.push(new Linear(after(), classes, random));
    Object.assign(this, { layers, input: first, random, parameters: layers.flatMap(one => (one.weight ? [one.weight, one.bias] : [])) });
  }

  answer(picture) {  // the shares of the classes
    this.input.values.set(picture);
    for (const layer of this.layers) layer.forward();
    const logits = this.layers.at(-1).output.values, most = Math.max(...logits), e = Array.from(logits, one => Math.exp(one - most));
    const sum = e.reduce((a, b) => a + b, 0);
    return e.map(one => one / sum);
  }

  // The loss -log p(label), and its gradient, added to what the parameters' slopes hold
  learn(picture, label) {
    const shares = this.answer(picture);
    this.layers.at(-1).output.slopes.set(shares.map((one, n) => one - (n === label ? 1 : 0)));
    for (const layer of [...this.layers].reverse()) layer.backward();
    return -Math.log(Math.max(shares[label], 1e-12));
  }

  // One step: v ← momentum v − rate · mean gradient, w ← w + v; returns the mean loss before it
  step(pictures, labels, rate, momentum = 0.9) {
    for (const { slopes } of this.parameters) slopes.fill(0);
    const loss = pictures.reduce((sum, picture, n) => sum + this.learn(picture, labels[n]), 0) / pictures.length;
    for (const { values, slopes, speed } of this.parameters) for (let n = 0; n < values.length; n++) {
      speed[n] = momentum * speed[n] - (rate * slopes[n]) / pictures.length;
      values[n] += speed[n];
    }
    return loss;
  }
}

if (typeof module !== "undefined") module.exports = { Learner, dice };
