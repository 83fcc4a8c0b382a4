// A table that sorts, filters, and draws only the rows in sight, so that ten thousand rows open at once.

/** Rows up to which a table is drawn whole; rows beyond those in sight; rows of a long table on paper. */
const WHOLE = 100, MARGIN = 12, PRINTED = 250;

class Grid {
  /**
   * `options`: the noun of a row, the prefix of its keys in the address, the height of a row, the order at first, tools to
   * stand before the filter, and `mark(cell, column, row)` for what a cell shows beside its words.
   */
  constructor(host, options) {
    Object.assign(this, { host, ...options });
    this.columns = [];
    this.rows = [];
    this.search = make("input", { type: "search", placeholder: "words, or limits such as latency_s<20" });
    this.count = make("output", { "aria-live": "polite" });
    this.tools = make("div", { class: "tools" }, ...(options.tools ?? []),
      make("label", {}, "Filter", this.search), this.count);
    this.head = make("thead");
    this.body = make("tbody");
    this.widths = make("colgroup");
    this.table = make("table", { "aria-label": this.label }, this.widths, this.head, this.body);
    this.scroll = make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${this.label}, scrolls` },
      this.table);
    this.scroll.style.setProperty("--height", `${this.height}px`);
    host.replaceChildren(this.tools, this.scroll);
    this.listen();
  }

  listen() {
    this.search.addEventListener("input", () => {
      address.set(`${this.prefix}filter`, this.search.value.trim());
      this.arrange();
    });
    let waiting = false;
    this.scroll.addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; this.draw(); });
    }, { passive: true });
    addEventListener("beforeprint", () => this.draw(true));
    addEventListener("afterprint", () => this.draw());
    address.follow(() => {
      this.search.value = address.get(`${this.prefix}filter`);
      this.order = address.get(`${this.prefix}sort`) || this.first;
      this.arrange();
    });
  }

  /** Shows these columns of these rows. A row has `values` in the order of all columns. */
  show(columns, rows, all = columns) {
    Object.assign(this, { rows, all });
    all.forEach((column, at) => { column.at = at; });
    // A column without a value says nothing.
    this.columns = columns.filter(({ at }) => rows.length === 0 || rows.some((row) => !missing(row.values[at])));
    this.measure();
    this.arrange();
  }

  /** Gives each column the width of its longest words, so that nothing moves while a reader scrolls. */
  measure() {
    const pen = make("canvas").getContext("2d");
    const { fontSize, fontFamily } = getComputedStyle(this.table);
    const length = (text, weight) => {
      pen.font = `${weight} ${fontSize} ${fontFamily}`;
      return pen.measureText(text).width;
    };
    const width = (column) => {
      let longest = "";
      for (const row of this.rows) {
        const words = column.words(row.values[column.at], row);
        if (words.length > longest.length) longest = words;
      }
      const cell = length(longest.slice(0, column.most ?? 56), 400);
      const head = Math.max(length(title(column.key), 600) + 14, length(shownUnit(column.unit), 400));
      return column.width ?? Math.ceil(Math.max(cell, head) + 24);
    };
    const widths = this.columns.map(width);
    this.widths.replaceChildren(...widths.map((width) => make("col", { style: `width:${width}px` })));
    this.table.style.width = `${widths.reduce((sum, width) => sum + width, 0)}px`;
    this.largest = this.columns.map((column) => column.bar
      ? this.rows.reduce((most, row) => Math.max(most, row.values[column.at] ?? 0), 0) : 0);
  }

  /** Sorts and filters. */
  arrange() {
    if (!this.all) return;
    const { passes, unknown } = parseFilter(this.search.value, this.all);
    this.kept = this.rows.filter(passes);
    const down = this.order.startsWith("-");
    const column = this.all.find((column) => column.key === this.order.replace("-", ""));
    if (column) this.kept.sort((a, b) => compare(a.values[column.at], b.values[column.at], down));
    const all = this.rows.length, kept = this.kept.length;
    this.count.value = unknown.length ? `no column is called ${unknown.join(", ")}`
      : kept === all ? counted(all, this.noun) : `${kept.toLocaleString("en")} of ${counted(all, this.noun)}`;
    this.count.classList.toggle("wrong", unknown.length > 0);
    this.drawHead();
    this.scroll.scrollTop = 0;
    this.draw();
  }

  drawHead() {
    const focused = this.head.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    const cell = (column) => {
      const button = make("button", { type: "button", title: column.help, "data-key": column.key }, title(column.key),
        make("small", {}, shownUnit(column.unit)));
      button.addEventListener("click", () => this.sortBy(column));
      const own = this.order.replace("-", "") === column.key;
      const sort = own ? (this.order.startsWith("-") ? "descending" : "ascending") : undefined;
      return make("th", { scope: "col", class: column.number ? "number" : undefined, "aria-sort": sort }, button);
    };
    this.head.replaceChildren(make("tr", { "aria-rowindex": "1" }, ...this.columns.map(cell)));
    if (focused) this.head.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  /** Sorts by a column, or the other way round if it is sorted by it. */
  sortBy(column) {
    this.order = this.order === column.key ? `-${column.key}` : column.key;
    address.set(`${this.prefix}sort`, this.order === this.first ? "" : this.order);
    this.arrange();
  }

  /** Draws the rows in sight, or the first ones for paper. */
  draw(paper = false) {
    const count = this.kept.length;
    let from = 0, to = paper ? Math.min(count, PRINTED) : count;
    if (count > WHOLE && !paper) {
      from = Math.max(0, Math.floor(this.scroll.scrollTop / this.height) - MARGIN);
      to = Math.min(count, from + Math.ceil((this.scroll.clientHeight || 576) / this.height) + 2 * MARGIN);
    }
    this.table.setAttribute("aria-rowcount", count + 1);
    const space = (rows) => {
      const cell = make("td", { colspan: this.columns.length });
      cell.style.height = `${rows * this.height}px`;
      return make("tr", { class: "spacer", "aria-hidden": "true" }, cell);
    };
    const rows = this.kept.slice(from, to).map((row, at) => this.drawRow(row, from + at));
    if (from > 0) rows.unshift(space(from));
    if (to < count && !paper) rows.push(space(count - to));
    if (to < count && paper) {
      const text = `The first ${counted(to, this.noun)} of ${count.toLocaleString("en")}, in this order and filter.`;
      rows.push(make("tr", {}, make("td", { colspan: this.columns.length }, text)));
    }
    this.body.replaceChildren(...rows);
  }

  drawRow(row, at) {
    const cells = this.columns.map((column, place) => {
      const value = row.values[column.at];
      const cell = make(place === 0 ? "th" : "td", { scope: place === 0 ? "row" : undefined,
        class: column.number ? "number" : undefined });
      const words = column.words(value, row);
      cell.append(words);
      if (words.length > 30) cell.title = words;
      if (column.bar && value > 0) {
        cell.classList.add("bar");
        cell.style.setProperty("--part", `${(100 * value / this.largest[place]).toFixed(1)}%`);
      }
      if (!missing(value)) this.mark?.(cell, column, row);
      return cell;
    });
    return make("tr", { "aria-rowindex": at + 2 }, ...cells);
  }
}

/** Whether a value was not measured, or is not there. */
function missing(value) {
  return value === null || value === undefined || value === "";
}

/** Orders two values. Those that were not measured come last, whatever the order. */
function compare(a, b, down) {
  if (missing(a) || missing(b)) return missing(a) - missing(b);
  const order = typeof a === "number" && typeof b === "number" ? a - b
    : String(a).localeCompare(String(b), "en", { numeric: true });
  return down ? -order : order;
}

/** Returns a column that shows its value in words of its unit. */
function column(key, unit, help, more = {}) {
  return { key, unit, help, number: true, words: (value) => inWords(value, unit), ...more };
}

/** Returns a column of words. */
function wordColumn(key, help, more = {}) {
  return column(key, "", help, { number: false, ...more });
}

/** Returns a labelled list to choose from, and calls `chosen` with the new value. */
function chooser(label, chosen) {
  const select = make("select");
  select.addEventListener("change", () => chosen(select.value));
  return { select, label: make("label", {}, label, select) };
}
