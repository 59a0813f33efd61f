// Which networks there are: those that come with the page, one that is fetched when it is asked for, one's own.

let begin, begun = new Promise(done => { begin = done; });
async function arrived(spec) {
  await begun;
  add(new Network(spec, await weightsOf(spec), kernel), spec.name);
  if (!state.net) {
    await choose(spec.name);
    document.documentElement.dataset.ready = "";
    for (const name of SCENES.networks) if (!nets[name]) document.body.append(make("script", { src: `${name}.js` }));
    for (const [name, size] of Object.entries(SCENES.aside)) option(name, `${name}, 1000 things (${size} MB)`);
  } else if (coming === spec.name) {
    coming = "";
    hush();
    await choose(spec.name);
  }
}

const option = (value, words) => $("network").querySelector(`option[value="${CSS.escape(value)}"]`) || $("network").appendChild(make("option", { value }, words));
function add(net, name, words = name) {
  nets[name] = net;
  option(name, words).textContent = words;
}

let coming = "";
function fetchNet(name) {  // a large one, when it is asked for
  if (coming) return;
  coming = name;
  $("network").value = state.chosen;
  tell(`${name} is coming, ${SCENES.aside[name]} MB …`, 0);
  $("told").classList.add("busy");
  document.body.append(make("script", { src: `${name}.js`, onerror: () => { coming = ""; fail(`${name} did not come; is this device offline?`); } }));
}

async function takeOwn(files) {
  try {
    const net = await ownFiles(files, kernel);
    if (!net) return tell(waits(), 0);
    const name = `own ${net.name}`;
    add(net, name, `${net.name} (yours)`);
    hush();
    await choose(name);
  } catch (error) {
    fail(`This network cannot be taken: ${error.message}.`);
  }
}

async function start() {
  kernel = firstThatRuns(KERNELS);
  glow = Uint8Array.from(atob(SCENES.glow), one => one.charCodeAt(0));
  lights = Uint32Array.from({ length: 256 }, (_, n) => (255 << 24) | (glow[3 * n + 2] << 16) | (glow[3 * n + 1] << 8) | glow[3 * n]);
  masks = await unpacked(SCENES.masks);
  const picture = async packed => createImageBitmap(new Blob([await unpacked(packed)], { type: "image/webp" }));
  [sheet, clip] = [await picture(SCENES.sheet), await picture(SCENES.clip.sheet)];
  layOutScenes();
  paintRamp();
  begin();
}

async function choose(name) {
  if (!nets[name]) return fetchNet(name);
  const other = !state.net || state.net.size !== nets[name].size;
  Object.assign(state, { net: nets[name], chosen: name, silenced: {}, target: null, unit: null });
  $("network").value = name;
  if (other) fitSquare();
  state.layer = state.tab === "filters" ? firstConv(state.net).name : layersOf(state.net, "conv").at(-1);
  if (helper?.net !== state.net) dismiss();
  stopWork();
  [now, held, wholeOf, milliseconds] = [null, null, null, []];
  if (state.again) state.again();
  else showScene(0);
  $("says").replaceChildren(make("small", {}, `${nets[name].name} looks at it …`));
  layOutBars();
  layOutMaps();
  layOutLayers();
  layOutFilters();
  ask();
}

tab(["cover", "map", "units", "filters"].find(name => `#${name}` === location.hash) || "cover");
start();
