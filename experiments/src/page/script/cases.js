// The table of cases, in four views.

const VIEWS = {
  outcome: ["case", "run", "front", "images", "failed", "without_class", "accuracy", "plain_accuracy", "polynomial_accuracy",
    "agreement", "flips", "polynomial_flips", "mcnemar_p", "precision_bits", "latency_s", "amortised_s", "peak_rss_bytes",
    "error"],
  seconds: ["case", "run", "latency_s", "latency_spread_s", "amortised_s", "predicted_latency_s", "keygen_s", "overhead",
    "energy_j"],
  memory: ["case", "run", "peak_rss_bytes", "predicted_bytes", "key_bytes", "constant_bytes", "upload_bytes",
    "download_bytes"],
  all: null,
};
const BARS = ["latency_s", "amortised_s", "keygen_s", "peak_rss_bytes", "key_bytes", "constant_bytes"];

/** Shows the cases. */
function startCases(host, { columns, rows }) {
  const all = columns.map(({ key, kind, unit, help }) => {
    const number = kind !== "string";
    return column(key, unit, help, { number, bar: BARS.includes(key) });
  });
  const table = rows.map((values) => ({ values }));
  const views = make("div", { class: "views", role: "group", "aria-label": "Columns" });
  const grid = new Grid(host, {
    label: "Cases", noun: "case", prefix: "", height: 30, first: "", tools: [views],
    mark(cell, column, row) {
      const value = row.values[column.at];
      const bad = column.key === "error" || ["failed", "without_class"].includes(column.key);
      if (bad && value) cell.classList.add("bad");
    },
  });
  const shown = (view) => (VIEWS[view] ? VIEWS[view].map((key) => all.find((column) => column.key === key)) : all);
  for (const view of Object.keys(VIEWS)) {
    const button = make("button", { type: "button" }, view);
    button.addEventListener("click", () => {
      address.set("view", view === "outcome" ? "" : view);
      choose();
    });
    views.append(button);
  }
  const choose = () => {
    const view = address.get("view") in VIEWS ? address.get("view") : "outcome";
    [...views.children].forEach((button) => button.setAttribute("aria-pressed", button.textContent === view));
    grid.show(shown(view), table, all);
  };
  address.follow(choose);
  return grid;
}
