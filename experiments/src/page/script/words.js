"use strict";
// Words and numbers for readers.

/** Returns an element with attributes and children. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** Returns a number with so many significant digits. */
function digits(value, count) {
  return String(Number(value.toPrecision(count)));
}

/** Returns bytes in a unit that fits. */
function bytes(value) {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (value >= size) return `${(value / size).toFixed(value < 10 * size ? 2 : 1)} ${unit}`;
  }
  return `${value} B`;
}

/** Returns a value of this unit in words; a dash where it was not measured. */
function inWords(value, unit) {
  if (missing(value)) return "–";
  if (typeof value !== "number") return String(value);
  if (unit === "B") return bytes(value);
  if (unit === "share") return `${(100 * value).toFixed(2)} %`;
  if (unit === "s") return value.toFixed(value < 10 ? 3 : 2);
  if (unit === "bits" && !Number.isInteger(value)) return value.toFixed(1);
  if (unit === "error") return value.toExponential(1);
  if (Number.isInteger(value)) return String(value);
  return Math.abs(value) < 1e-3 ? value.toExponential(1) : digits(value, 4);
}

/** Returns the name of a column for readers: without its unit. */
function title(key) {
  return key.replace(/_(s|bytes|j|bits)$/, (end) => (end === "_bits" ? " bits" : "")).replaceAll("_", " ");
}

/** Returns the unit under a column's name; bytes and shares name theirs at each value. */
function shownUnit(unit) {
  return unit === "B" || unit === "share" || unit === "images" || unit === "error" ? "" : unit;
}

/** Returns a count with its noun. */
function counted(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
