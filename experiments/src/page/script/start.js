// Starts the page.

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const host = (id) => document.querySelector(`#${id} .grid`);
  address.read();
  const cases = startCases(host("cases"), data.cases);
  startImages(host("images"), data);
  startLayers(host("layers"), data);
  startFigures((name) => {
    address.set("filter", name);
    address.read();
    document.getElementById("cases").scrollIntoView();
    cases.search.focus({ preventScroll: true });
  });
  // The address holds the state of the tables, so that links to sections must not replace it.
  for (const link of document.querySelectorAll("nav a, .skip")) {
    link.addEventListener("click", (event) => {
      const section = document.querySelector(link.getAttribute("href"));
      event.preventDefault();
      section.scrollIntoView();
      section.tabIndex = -1;
      section.focus({ preventScroll: true });
    });
  }
  const folded = [...document.querySelectorAll("details:not([open])")];
  addEventListener("beforeprint", () => folded.forEach((part) => { part.open = part.closest("#figures") !== null || part.open; }));
})();
