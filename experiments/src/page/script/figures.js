// Figures: the places that tell their case, by pointer and by keyboard.

/** Lets readers point at the marks of all figures. `find` shows a case in the table. */
function startFigures(find) {
  const tip = document.getElementById("tip");
  let shown = null;
  const hide = () => {
    shown?.classList.remove("on");
    shown = null;
    tip.hidden = true;
  };
  const show = (spot) => {
    if (spot === shown) return;
    hide();
    shown = spot;
    spot.classList.add("on");
    const [head, ...rest] = spot.dataset.text.split("\n");
    tip.replaceChildren(make("b", {}, head), rest.join("\n"));
    tip.hidden = false;
    const at = spot.getBoundingClientRect(), own = tip.getBoundingClientRect();
    const left = Math.min(at.right + 8, innerWidth - own.width - 8);
    const above = at.top - own.height - 8;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${above < 8 ? at.bottom + 8 : above}px`;
  };
  for (const svg of document.querySelectorAll("figure svg")) {
    const spots = [...svg.querySelectorAll(".spot")];
    svg.addEventListener("pointerover", ({ target }) => (target.matches(".spot") ? show(target) : hide()));
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.addEventListener("click", ({ target }) => target.matches(".spot") && find(target.dataset.text.split("\n")[0]));
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step && spots.length > 0) {
        const at = spots.indexOf(shown);
        show(spots[at < 0 ? (step > 0 ? 0 : spots.length - 1) : (at + step + spots.length) % spots.length]);
        event.preventDefault();
      } else if (event.key === "Enter" && shown) find(shown.dataset.text.split("\n")[0]);
      else if (event.key === "Escape") hide();
    });
  }
  addEventListener("scroll", hide, { passive: true });
}
