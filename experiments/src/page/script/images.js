// The images of a run, those first that changed their class.

const FAILED = "x", NO_CLASS = "-", NO_ROW = " ", UNLABELLED = "_";

/** Shows the images. */
function startImages(host, data) {
  const thumbnails = new Thumbnails(data.thumbnails);
  const runs = data.runs.filter((run) => run.images.numbers.length > 0);
  if (runs.length === 0) return host.replaceChildren(make("p", {}, "No image was evaluated."));
  const run = chooser("Run", (name) => { address.set("images.run", name); address.set("images.case", ""); choose(); });
  const of = chooser("Case", (name) => { address.set("images.case", name); choose(); });
  runs.forEach(({ name }) => run.select.append(make("option", { value: name }, name)));
  const grid = new Grid(host, {
    label: "Images", noun: "image", prefix: "images.", height: 38, first: "", tools: [run.label, of.label],
    mark(cell, column, row) {
      if (column.key === "picture") cell.replaceChildren(thumbnails.of(row.values[1], row.values[2]));
      if (column.key === "changed" && row.values[column.at] > 0) cell.classList.add("bad");
      if (column.key === "class") cell.classList.add(row.values[column.at] === row.values[3] ? "same" : "bad");
      if (column.key === "error") cell.classList.add("bad");
    },
  });
  const choose = () => {
    const chosen = runs.find(({ name }) => name === address.get("images.run")) ?? runs[0];
    const own = chosen.images.cases.map(({ case: number }) => chosen.cases[number]);
    const name = own.includes(address.get("images.case")) ? address.get("images.case") : "";
    run.select.value = chosen.name;
    of.select.replaceChildren(...["", ...own].map((name) => make("option", { value: name }, name || "all of them")));
    of.select.value = name;
    const table = new ImageTable(chosen, data.classes);
    const only = own.indexOf(name);
    if (only < 0) grid.show(table.columnsOfAll(), table.ofAll());
    else grid.show(table.columnsOfOne(), table.ofOne(chosen.images.cases[only]));
  };
  address.follow(choose);
  return grid;
}

/** Returns the bits of an image: two digits of base 36 hold tenths above −40. */
function bitsAt(one, at) {
  const tenths = parseInt(one.bits.slice(2 * at, 2 * at + 2), 36);
  return Number.isNaN(tenths) ? null : (tenths - 400) / 10;
}

/** Returns the name of a class: digits are their own number, others lie after U+0100. */
function className(classes, character) {
  const number = /[0-9]/.test(character) ? Number(character) : character.codePointAt(0) - 0x100;
  return classes[number] ?? (number >= 0 ? `class ${number}` : "unknown");
}

/** The rows of a run's images. */
class ImageTable {
  constructor(run, classes) {
    Object.assign(this, { run, images: run.images });
    this.numbers = run.images.numbers.flatMap(([first, count]) => Array.from({ length: count }, (_, at) => first + at));
    this.name = (character) => character === FAILED ? "failed" : character === NO_CLASS ? "no class"
      : character === UNLABELLED ? "none" : character === NO_ROW || character === undefined ? null : className(classes, character);
  }

  common() {
    return [
      column("image", "", "Index in the set of images."),
      column("picture", "", "A thumbnail.", { number: false, width: 76, words: () => "" }),
      wordColumn("label", "Its class by the data set."),
      wordColumn("exact", "Its class by the plaintext model with exact ReLUs."),
      column("margin", "logits", "Largest exact logit minus the second largest: the distance to a flip."),
    ];
  }

  columnsOfAll() {
    const all = this.images.cases.length;
    return [...this.common(),
      column("changed", "cases", "Cases in which its class is not the plaintext model's.", {
        words: (count) => `${count} of ${all}` }),
      column("failed", "cases", "Cases in which its evaluation failed."),
      column("bits", "bits", "Precision of its worst logit, the least of all cases."),
      wordColumn("changes", "The cases in which its class changed or its evaluation failed.", { most: 90 })];
  }

  columnsOfOne() {
    return [...this.common(),
      wordColumn("class", "Its class by this case."),
      column("changed", "", "1 if its class is not the plaintext model's."),
      column("bits", "bits", "Precision of its worst logit."),
      column("seconds", "s", "Seconds of its evaluation."),
      column("overflow", "values", "Values outside the interval of their activation."),
      wordColumn("error", "Why it failed, or has no class.", { most: 90 })];
  }

  values(at) {
    const { labels, exact, margins } = this.images;
    return [this.numbers[at], this.numbers[at], this.name(labels[at]), this.name(exact[at]), margins[at]];
  }

  changed(one, at) {
    const own = one.classes[at];
    return own !== NO_ROW && own !== FAILED && own !== this.images.exact[at];
  }

  /** Returns a row for each image, over all cases. */
  ofAll() {
    const cases = this.images.cases;
    const rows = this.numbers.map((_, at) => {
      const changed = cases.filter((one) => this.changed(one, at));
      const failed = cases.filter((one) => one.classes[at] === FAILED);
      const bits = cases.map((one) => bitsAt(one, at)).filter((bits) => bits !== null);
      const words = [...changed, ...failed].map((one) => `${this.run.cases[one.case]}: ${this.name(one.classes[at])}`);
      return { values: [...this.values(at), changed.length, failed.length, bits.length ? Math.min(...bits) : null,
        words.join("; ")] };
    });
    return rows.sort((a, b) => b.values[5] + b.values[6] - a.values[5] - a.values[6] || a.values[4] - b.values[4]);
  }

  /** Returns a row for each image that a case has. */
  ofOne(one) {
    const rows = [];
    this.numbers.forEach((_, at) => {
      if (one.classes[at] === NO_ROW) return;
      rows.push({ values: [...this.values(at), this.name(one.classes[at]), Number(this.changed(one, at)), bitsAt(one, at),
        one.seconds[at] ?? null, one.classes[at] === FAILED ? null : one.overflow[at] ?? 0,
        at in one.errors ? this.images.errors[one.errors[at]] : ""] });
    });
    const rank = (row) => (row.values[5] === "failed" ? 1 : 2 * row.values[6]);
    return rows.sort((a, b) => rank(b) - rank(a) || a.values[4] - b.values[4]);
  }
}

/** The thumbnails, which lie in sheets. A sheet is read when the first image of it is shown. */
class Thumbnails {
  constructor({ images, columns, sheet, rows }) {
    Object.assign(this, { columns, sheet, rows, known: new Map(images.map((image, at) => [image, at])), read: new Set() });
    this.style = document.head.appendChild(make("style"));
  }

  of(image, label) {
    const at = this.known.get(image);
    if (at === undefined) return make("span", { class: "thumb none", title: "no thumbnail" });
    const sheet = Math.floor(at / this.sheet), place = at % this.sheet;
    if (!this.read.has(sheet)) {
      this.read.add(sheet);
      const pixels = document.getElementById(`sheet-${sheet}`).textContent;
      this.style.sheet.insertRule(`.sheet-${sheet}{background-image:url(data:image/jpeg;base64,${pixels})}`);
    }
    const element = make("span", { class: `thumb sheet-${sheet}`, role: "img", "aria-label": label });
    element.style.backgroundPosition = `${-32 * (place % this.columns)}px ${-32 * Math.floor(place / this.columns)}px`;
    return element;
  }
}
