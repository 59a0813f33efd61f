// Runs a convolutional network in the page: convolutions, pooling, a mean or maximum over places, linear layers.
// The sums are done by the kernel (its source is gemm.wat) with SIMD, or by JavaScript where there is none.
// All numbers lie in one WebAssembly memory; a map's channel takes `plane` floats, its places padded to eights.

const PAGE = 65536;

function eights(n) { return (n + 7) & ~7; }

// How a network is laid out is told by its steps, in order, as camlib/networks/chain_steps.py has them: conv,
// depthwise, max, avg, mean, most, relu, linear, and {op: "add", from}, the result of an earlier step added.
class Network {
  // spec: {name, classes, mean, std, size, steps}; weights: name → Float32Array; wasm: bytes of the kernel, or null
  constructor(spec, weights, wasm) {
    Object.assign(this, { spec, weights, name: spec.name, classes: spec.classes, size: spec.size });
    this.top = 16;
    const fill = [];
    const channels = spec.mean.length, side = spec.size;
    const take = floats => { const at = this.top; this.top += eights(floats) + 8; return at; };
    const map = (c, h, w) => ({ c, h, w, plane: eights(h * w), at: take(c * eights(h * w) + 8) });
    this.input = { ...map(channels, side, side) };
    let now = this.input;
    const outs = [];
    this.plan = spec.steps.map(step => {
      const p = { ...step, input: now };
      const [weight, bias] = [weights[`${step.name}.weight`], weights[`${step.name}.bias`]];
      if (step.k) {  // a window; `end` pads below and to the right, where that is not `pad`
        const side = length => Math.floor((length + step.pad + (step.end ?? step.pad) - step.k) / step.stride) + 1;
        const c = step.op === "conv" ? step.out : now.c;
        p.output = { ...map(step.op === "conv" ? (c + 3) & ~3 : c, side(now.h), side(now.w)), c };
        if (step.op === "conv") this.planConv(p, weight, bias, take, fill);
        else if (step.op === "depthwise") this.planDepthwise(p, weight, bias, take, fill);
      } else if (step.op === "mean" || step.op === "most") p.output = { ...map(now.c, 1, 1), plane: 1 };
      else if (step.op === "relu") p.output = map(now.c, now.h, now.w);
      else if (step.op === "add") Object.assign(p, { output: map(now.c, now.h, now.w), other: outs[step.from] });
      else if (step.op === "linear") Object.assign(p, { weight, bias, output: { ...map(step.out, 1, 1), plane: 1 } });
      if (!this[step.op] || !p.output) throw new Error(`there is no step ${step.op}`);
      outs.push(now = p.output);
      return p;
    });
    this.memory = new WebAssembly.Memory({ initial: Math.ceil((this.top * 4) / PAGE) + 1 });
    this.f = new Float32Array(this.memory.buffer);
    this.i = new Int32Array(this.memory.buffer);
    for (const write of fill) write();
    const slow = { gemm: (...all) => this.slowGemm(...all), frame: (...all) => this.slowFrame(...all) };
    this.kernel = wasm ? new WebAssembly.Instance(new WebAssembly.Module(wasm), { env: { memory: this.memory } }).exports : slow;
    this.maps = {};
    for (const p of this.plan) if (p.name) this.maps[p.name] = p.output;
    this.last = this.plan.findLastIndex(p => p.op === "conv" || p.op === "depthwise");
  }

  // A convolution's filters in blocks of four, and where each of its numbers is read: in place where eight
  // neighbouring answers read eight neighbouring numbers, else from `packed`, eight columns side by side.
  planConv(p, weight, bias, take, fill) {
    const { input, output, k, stride, pad, end = pad } = p, K = input.c * k * k, N = output.h * output.w;
    const blocks = Math.ceil(output.c / 4), panels = output.plane / 8;  // of the last block some may be nothing
    const framed = pad || end, rows = stride < 3 && output.w % 8 === 0;
    p.inPlace = rows || (stride === 1 && k === 1 && !framed);
    p.frame = framed || (rows && stride === 2) ? this.planFrame(p, input.c, rows && stride === 2, take) : null;
    const src = p.frame ? p.frame.at : input.at, { W, H, column } = p.frame || { W: input.w, H: input.h, column: x => x };
    const plane = p.frame ? W * H : input.plane, apart = p.frame?.half ? 1 : stride;  // neighbours, when they are read
    Object.assign(p, { blocks, panels, K, a: take(blocks * 4 * K), b: take(blocks * 4), koff: take(K), base: take(panels) });
    p.src = p.inPlace ? src : take(panels * K * 8);
    const reads = new Int32Array(K);
    for (let c = 0, n = 0; c < input.c; c++) for (let y = 0; y < k; y++) for (let x = 0; x < k; x++) reads[n++] = c * plane + y * W + column(x);
    const place = n => (n < N ? Math.floor(n / output.w) * stride * W + (n % output.w) * apart : 0);
    if (!p.inPlace) Object.assign(p, { reads, from: src, places: Int32Array.from({ length: panels * 8 }, (_, n) => place(n)) });
    fill.push(() => {
      for (let o = 0; o < blocks; o++) for (let n = 0; n < K; n++) for (let j = 0; j < 4; j++) {
        this.f[p.a + (o * K + n) * 4 + j] = o * 4 + j < output.c ? weight[(o * 4 + j) * K + n] : 0;
      }
      this.f.set(bias, p.b);
      for (let n = 0; n < K; n++) this.i[p.koff + n] = 4 * (p.inPlace ? reads[n] : n * 8);
      for (let n = 0; n < panels; n++) this.i[p.base + n] = 4 * (p.inPlace ? place(n * 8) : n * K * 8);
    });
  }

  planDepthwise(p, weight, bias, take, fill) {  // one channel at a time
    const { k, stride } = p, frame = this.planFrame(p, 1, stride === 2, take);
    Object.assign(p, { weight, bias, frame, a: take(weight.length), koff: take(k * k), quick: stride < 3 });
    fill.push(() => {
      this.f.set(weight, p.a);
      for (let n = 0; n < k * k; n++) this.i[p.koff + n] = 4 * (Math.floor(n / k) * frame.W + frame.column(n % k));
    });
  }

  // Where channels lie in a frame of zeros. For a stride of two, even columns lie before odd ones: eight neighbouring
  // answers then read eight neighbouring numbers.
  planFrame({ input, pad, end = pad }, channels, halves, take) {
    const [wide, H] = [input.w + pad + end, input.h + pad + end], half = halves ? (wide + 1) >> 1 : 0, W = 2 * half || wide;
    return { at: take(channels * W * H + 16), W, H, half, column: x => (half ? (x & 1) * half + (x >> 1) : x) };
  }

  layFrame({ input, pad, frame: { at, W, H, half, column } }, c, place = 0) {  // a channel, in a place of the frame; its border stays zero
    const top = at + place * W * H + pad * W, from = input.at + c * input.plane;
    this.kernel.frame(4 * from, 4 * (top + column(pad)), 4 * (top + column(pad + 1)), half ? 4 : 8, input.w, input.h, 4 * W);
  }

  // pixels: Float32Array (channels, size, size) in [0, 1]; silenced: layer → set of units. Returns the logits.
  run(pixels, silenced) {
    const steps = this.steps(pixels, silenced);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  }

  *steps(pixels, silenced = {}) {  // the same, with a pause after each step
    const { mean, std } = this.spec, { at, plane } = this.input, f = this.f;
    for (let c = 0; c < mean.length; c++) {
      const [m, s] = [mean[c], 1 / std[c]];
      for (let n = c * plane; n < (c + 1) * plane; n++) f[at + n] = (pixels[n] - m) * s;
    }
    for (const p of this.plan) {
      this[p.op](p);
      const { c, plane: wide, at: to } = p.output;
      for (const unit of silenced[p.name] || []) if (unit < c) f.fill(0, to + unit * wide, to + (unit + 1) * wide);
      yield;
    }
    return this.values(this.plan.at(-1).output);
  }

  // A map's numbers, a copy: (c, h, w) without the padding
  values({ c, h, w, plane, at }) {
    if (plane === h * w) return this.f.slice(at, at + c * plane);
    const out = new Float32Array(c * h * w);
    for (let k = 0; k < c; k++) out.set(this.f.subarray(at + k * plane, at + k * plane + h * w), k * h * w);
    return out;
  }

  conv(p) {
    const { input, output, f = this.f } = p;
    if (p.frame) for (let c = 0; c < input.c; c++) this.layFrame(p, c, c);
    if (!p.inPlace) {
      let to = p.src;
      for (let panel = 0; panel < p.panels; panel++) {
        const [q0, q1, q2, q3, q4, q5, q6, q7] = p.places.subarray(panel * 8, panel * 8 + 8);
        for (let n = 0; n < p.K; n++, to += 8) {
          const r = p.from + p.reads[n];
          f[to] = f[r + q0]; f[to + 1] = f[r + q1]; f[to + 2] = f[r + q2]; f[to + 3] = f[r + q3];
          f[to + 4] = f[r + q4]; f[to + 5] = f[r + q5]; f[to + 6] = f[r + q6]; f[to + 7] = f[r + q7];
        }
      }
    }
    const cut = [p.lo ?? -Infinity, p.hi ?? Infinity];
    this.kernel.gemm(4 * p.a, 4 * p.src, 4 * p.koff, 4 * p.base, 4 * output.at, 4 * p.b, p.blocks, p.K, p.panels, 4 * output.plane, ...cut);
  }

  slowGemm(a, src, koff, base, c, bias, blocks, k, panels, row, lo, hi) {  // the same sums, without SIMD
    const { f, i } = this;
    [a, src, koff, base, c, bias, row] = [a, src, koff, base, c, bias, row].map(bytes => bytes >> 2);
    for (let p = 0; p < panels; p++) for (let o = 0; o < 4 * blocks; o++) {
      const from = src + (i[base + p] >> 2);
      let w = a + (o >> 2) * k * 4 + (o & 3), s0 = f[bias + o], s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
      for (let n = 0; n < k; n++, w += 4) {
        const at = from + (i[koff + n] >> 2), one = f[w];
        s0 += one * f[at]; s1 += one * f[at + 1]; s2 += one * f[at + 2]; s3 += one * f[at + 3];
        s4 += one * f[at + 4]; s5 += one * f[at + 5]; s6 += one * f[at + 6]; s7 += one * f[at + 7];
      }
      const to = c + o * row + p * 8;
      [s0, s1, s2, s3, s4, s5, s6, s7].forEach((sum, j) => { f[to + j] = Math.max(lo, Math.min(hi, sum)); });
    }
  }

  slowFrame(from, a, b, step, wide, high, row) {  // rows of a channel into a frame, without SIMD
    const { f } = this, apart = (b - a) >> 2;
    for (let y = 0, at = from >> 2, to = a >> 2; y < high; y++, to += row >> 2) {
      for (let x = 0; x < wide; x++, at++) f[to + (x >> 1) * (step >> 2) + (x & 1) * apart] = f[at];
    }
  }

  depthwise(p) {
    const { input, output, k, stride, bias, frame, lo = -Infinity, hi = Infinity } = p;
    if (!p.quick || !this.kernel.depthwise) return this.slowDepthwise(p);
    for (let c = 0; c < input.c; c++) {
      this.layFrame(p, c);
      this.kernel.depthwise(4 * frame.at, 4 * (p.a + c * k * k), 4 * p.koff, k * k, 4 * (output.at + c * output.plane),
        4 * frame.W * stride, output.w, output.h, bias[c], lo, hi);
    }
  }

  slowDepthwise(p) {
    const { input, output, k, stride, pad, weight, bias, lo = -Infinity, hi = Infinity } = p, f = this.f;
    for (let c = 0; c < input.c; c++) this.eachWindow(p, c, (to, from, y0, y1, x0, x1, v0, u0) => {
      let sum = bias[c];
      for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) {
        sum += weight[(c * k + v0 + y - y0) * k + u0 + x - x0] * f[from + y * input.w + x];
      }
      f[to] = sum < lo ? lo : sum > hi ? hi : sum;
    });
  }

  // Calls back for each window of a channel: where its result goes, where the channel begins, the rows and columns
  // that it covers inside the map, and which of its own these are
  eachWindow({ input, output, k, stride, pad }, c, done) {
    const from = input.at + c * input.plane, to = output.at + c * output.plane;
    for (let i = 0; i < output.h; i++) for (let j = 0; j < output.w; j++) {
      const y = i * stride - pad, x = j * stride - pad, y0 = Math.max(0, y), x0 = Math.max(0, x);
      done(to + i * output.w + j, from, y0, Math.min(input.h, y + k), x0, Math.min(input.w, x + k), y0 - y, x0 - x);
    }
  }

  // Calls back with the place of each window's highest number, the first of equals, as PyTorch does
  windows(p, found) {
    const { input } = p, f = this.f;
    for (let c = 0; c < input.c; c++) this.eachWindow(p, c, (to, from, y0, y1, x0, x1) => {
      let [best, most] = [from + y0 * input.w + x0, -Infinity];
      for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) {
        if (f[from + y * input.w + x] > most) most = f[best = from + y * input.w + x];
      }
      found(to, best);
    });
  }

  max(p) { this.windows(p, (to, from) => { this.f[to] = this.f[from]; }); }

  avg(p) {  // what is padded counts as zeros
    const { input, k } = p, f = this.f;
    for (let c = 0; c < input.c; c++) this.eachWindow(p, c, (to, from, y0, y1, x0, x1) => {
      let sum = 0;
      for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) sum += f[from + y * input.w + x];
      f[to] = sum / (k * k);
    });
  }

  // The place of a channel's highest number, the first of equals
  highest({ input }, c) {
    let best = input.at + c * input.plane;
    for (let n = best, end = best + input.h * input.w; n < end; n++) if (this.f[n] > this.f[best]) best = n;
    return best;
  }

  most(p) { for (let c = 0; c < p.input.c; c++) this.f[p.output.at + c] = this.f[this.highest(p, c)]; }

  relu({ input, output, hi = Infinity }) {
    const f = this.f, channels = input.plane === output.plane ? [input.c * input.plane, 1] : [1, input.c];
    for (let c = 0; c < channels[1]; c++) for (let n = 0; n < channels[0]; n++) {
      f[output.at + c * output.plane + n] = Math.min(Math.max(f[input.at + c * input.plane + n], 0), hi);
    }
  }

  mean({ input, output }) {
    const f = this.f, places = input.h * input.w;
    for (let c = 0; c < input.c; c++) {
      let sum = 0;
      for (let n = 0; n < places; n++) sum += f[input.at + c * input.plane + n];
      f[output.at + c] = sum / places;
    }
  }

  add({ input, output, other }) {
    for (let n = 0; n < input.c * input.plane; n++) this.f[output.at + n] = this.f[input.at + n] + this.f[other.at + n];
  }

  linear(p) {
    const given = this.values(p.input), { weight, bias, output } = p, wide = given.length;
    for (let o = 0; o < output.c; o++) {
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      const w = o * wide;
      for (let n = wide & ~3; n < wide; n++) s0 += weight[w + n] * given[n];
      for (let n = 0; n < (wide & ~3); n += 4) {  // four sums, which do not wait for each other
        s0 += weight[w + n] * given[n];
        s1 += weight[w + n + 1] * given[n + 1];
        s2 += weight[w + n + 2] * given[n + 2];
        s3 += weight[w + n + 3] * given[n + 3];
      }
      const sum = s0 + s1 + s2 + s3 + bias[o];
      this.f[output.at + o] = p.relu && sum < 0 ? 0 : sum;
    }
  }

  // ---- where it looked, in the last run; all at the last convolution's own cells, (h, w)

  get pooled() {  // whether class activation maps are defined: a mean or maximum over places, one linear layer
    return ["mean,linear", "most,linear"].includes(this.plan.slice(this.last + 1).map(p => p.op).join());
  }

  cam(target) {
    const { weight } = this.plan.at(-1), { c } = this.plan[this.last].output;
    return this.weighted(k => weight[target * c + k]);
  }

  gradcam(target) {  // Σ mean(∂S/∂A) A, what is above zero (Selvaraju et al. 2017)
    let slope = new Float32Array(this.classes.length);
    slope[target] = 1;
    for (const p of this.plan.slice(this.last + 1).reverse()) slope = this.slopeBefore(p, slope);
    const { h, w } = this.plan[this.last].output;
    const mean = k => slope.subarray(k * h * w, (k + 1) * h * w).reduce((sum, one) => sum + one, 0) / (h * w);
    return this.weighted(mean).map(one => Math.max(one, 0));
  }

  slopeBefore(p, slope) {  // the gradient before a step, of that behind it; both without padding
    const { input, output, weight } = p, f = this.f, places = input.h * input.w, before = new Float32Array(input.c * places);
    const unpadded = at => Math.floor((at - input.at) / input.plane) * places + ((at - input.at) % input.plane);
    if (p.op === "linear") {
      for (let o = 0; o < output.c; o++) {
        if (!slope[o] || (p.relu && f[output.at + o] <= 0)) continue;
        for (let n = 0; n < before.length; n++) before[n] += slope[o] * weight[o * before.length + n];
      }
    } else if (p.op === "mean") for (let n = 0; n < before.length; n++) before[n] = slope[Math.floor(n / places)] / places;
    else if (p.op === "most") for (let c = 0; c < input.c; c++) before[unpadded(this.highest(p, c))] = slope[c];
    else if (p.op === "relu") {
      const was = this.values(input);
      for (let n = 0; n < before.length; n++) before[n] = was[n] > 0 && was[n] < (p.hi ?? Infinity) ? slope[n] : 0;
    } else if (p.op === "max") {
      let n = 0;
      this.windows(p, (_, from) => { before[unpadded(from)] += slope[n++]; });
    } else if (p.op === "avg") {
      let n = 0;
      for (let c = 0; c < input.c; c++) this.eachWindow(p, c, (_, from, y0, y1, x0, x1) => {
        const share = slope[n++] / (p.k * p.k);
        for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) before[c * places + y * input.w + x] += share;
      });
    } else throw new Error(`no gradient through ${p.op}`);
    return before;
  }

  weighted(share) {
    const { c, h, w, plane, at } = this.plan[this.last].output, out = new Float32Array(h * w);
    for (let k = 0; k < c; k++) {
      const one = share(k);
      if (one) for (let n = 0; n < h * w; n++) out[n] += one * this.f[at + k * plane + n];
    }
    return out;
  }
}

function softmax(logits) {
  const most = Math.max(...logits), e = Array.from(logits, one => Math.exp(one - most));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map(one => one / sum);
}

// A map (h, w) laid over a picture of size × size pixels, each cell at the centre of what it sees, bilinear in
// between; beyond the outermost centres the nearest cell's value. field: {start, stride, shape}, as camlib has it; across:
// how many pixels the result has, each way, if fewer.
const placed = new Map();
function lay(map, field, size, across = size) {
  const [h, w] = field.shape, key = `${size} ${across} ${field.start} ${field.stride} ${field.shape}`;
  if (!placed.has(key)) {
    placed.set(key, [0, 1].map(axis => Array.from({ length: across }, (_, n) => {
      const pixel = ((n + 0.5) * size) / across - 0.5, cell = (pixel - field.start[axis]) / field.stride[axis];
      const within = Math.min(Math.max(cell, 0), field.shape[axis] - 1), low = Math.floor(within);
      return [low, Math.min(low + 1, field.shape[axis] - 1), within - low];
    })));
  }
  const [rows, columns] = placed.get(key), out = new Float32Array(across * across), line = new Float32Array(w);
  for (let y = 0; y < across; y++) {
    const [above, below, down] = rows[y];
    for (let j = 0; j < w; j++) line[j] = (1 - down) * map[above * w + j] + down * map[below * w + j];
    for (let x = 0; x < across; x++) {
      const [left, right, along] = columns[x];
      out[y * across + x] = (1 - along) * line[left] + along * line[right];
    }
  }
  return out;
}

// The first kernel, each in base64, that this browser runs; null where it runs none
function firstThatRuns(kernels) {
  const bytes = kernels.map(one => Uint8Array.from(atob(one), letter => letter.charCodeAt(0)));
  return bytes.find(one => { try { return WebAssembly.validate(one); } catch { return false; } }) ?? null;
}

// ---- what the build packed: 15 bits in each UTF-16 letter, from U+4E00 on, so that a plain <script> carries it

async function unpacked(text) {
  const bytes = new Uint8Array(Math.floor((text.length * 15) / 8));
  let [held, bits, n] = [0, 0, 0];
  for (let at = 0; at < text.length; at++) {
    held = ((held & 0x7fff) << 15) | (text.charCodeAt(at) - 0x4e00);
    bits += 15;
    while (bits >= 8 && n < bytes.length) {
      bits -= 8;
      bytes[n++] = (held >>> bits) & 255;
    }
    held &= (1 << bits) - 1;
  }
  const [b0, b1, b2, b3] = bytes, size = (b0 | (b1 << 8) | (b2 << 16) | (b3 << 24)) >>> 0;  // the length goes before
  const stream = new Blob([bytes.subarray(4, 4 + size)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Numbers to float32, their first bytes all together, then their second ones (they pack better so): of 2 bytes,
// half precision, or of 3, a signed whole number
function floats(bytes, wide) {
  const count = bytes.length / wide, out = new Float32Array(count);
  if (wide === 3) {
    for (let n = 0; n < count; n++) out[n] = ((bytes[n] << 8) | (bytes[count + n] << 16) | (bytes[2 * count + n] << 24)) >> 8;
    return out;
  }
  for (let n = 0; n < count; n++) {
    const half = bytes[n] | (bytes[count + n] << 8), power = (half >> 10) & 31, rest = half & 1023;
    const size = power ? (1 + rest / 1024) * 2 ** (power - 15) : (rest / 1024) * 2 ** -14;
    out[n] = half & 0x8000 ? -size : size;
  }
  return out;
}

// A packed network's weights by name. spec.layout: of each its name, how many numbers, and, where they are whole
// numbers, the step that they are multiples of
async function weightsOf({ weights, bytes, layout }) {
  const all = floats(await unpacked(weights), bytes), found = {};
  let at = 0;
  for (const [name, count, step = 1] of layout) {
    const these = found[name] = all.subarray(at, at += count);
    if (step !== 1) for (let n = 0; n < count; n++) these[n] *= step;
  }
  return found;
}

if (typeof module !== "undefined") module.exports = { Network, softmax, lay, firstThatRuns, unpacked, floats, weightsOf };
