// Gives the controls of an explorer the names that stand beside them: ipywidgets draws the words, but a screen
// reader does not hear them with the menu, slider or button that they belong to.

function name(box) {
  const set = (element, key, value) => {
    if (element.getAttribute(key) !== value) element.setAttribute(key, value);  // else the observer would not rest
  };
  for (const label of box.querySelectorAll(".widget-label")) {
    const control = label.parentElement.querySelector("select, [role=slider], input");
    if (!control || !label.textContent.trim()) continue;
    set(control, "aria-label", label.textContent.trim());
    const readout = label.parentElement.querySelector(".widget-readout");
    if (readout && control.matches("[role=slider]")) set(control, "aria-valuetext", readout.textContent.trim());
  }
  for (const button of box.querySelectorAll("button.widget-upload"))
    set(button, "aria-label", `${button.textContent.replace(/\(\d+\)/, "").trim()}: choose a file`);
  for (const picture of box.querySelectorAll("img.widget-image")) if (picture.title) set(picture, "alt", picture.title);
}

function render({ el }) {
  el.style.display = "none";
  const watch = new MutationObserver(() => name(box));
  let box = null;
  const begin = () => {
    box = el.closest(".camlib-explorer");
    if (!box) return void (waiting = requestAnimationFrame(begin));  // not on the page yet
    name(box);
    const attributeFilter = ["aria-valuetext", "title"];
    watch.observe(box, { subtree: true, childList: true, characterData: true, attributeFilter });
  };
  let waiting = requestAnimationFrame(begin);
  return () => {
    cancelAnimationFrame(waiting);
    watch.disconnect();
  };
}

export default { render };
