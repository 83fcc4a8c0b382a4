// A filter in words: every word must occur in a row, and every limit such as `latency_s<20` must hold.

/** Returns a function that tells whether a row passes, and the names in limits that are no column. */
function parseFilter(text, columns) {
  const tests = [];
  const unknown = [];
  for (const word of text.toLowerCase().split(/\s+/).filter(Boolean)) {
    const limit = word.match(/^([a-z_]+)(<=|>=|<|>|=)(.+)$/);
    const column = limit && columns.find((column) => column.key.toLowerCase() === limit[1]);
    if (column) tests.push(holds(column, limit[2], limit[3]));
    else if (limit) unknown.push(limit[1]);
    else tests.push((row) => words(row, columns).includes(word));
  }
  return { passes: (row) => tests.every((test) => test(row)), unknown };
}

/** Returns all words of a row. Only a filter needs them, and only once. */
function words(row, columns) {
  row.text ??= columns.map((column) => column.words(row.values[column.at], row)).join(" ").toLowerCase();
  return row.text;
}

/** Returns the test of a limit. Rows without the value do not pass. */
function holds(column, sign, wanted) {
  const number = Number(wanted);
  return (row) => {
    const value = row.values[column.at];
    if (value === null || value === undefined) return false;
    if (typeof value !== "number" || Number.isNaN(number)) return sign === "=" && String(value).toLowerCase() === wanted;
    if (sign === "<") return value < number;
    if (sign === ">") return value > number;
    if (sign === "<=") return value <= number;
    if (sign === ">=") return value >= number;
    return value === number;
  };
}
