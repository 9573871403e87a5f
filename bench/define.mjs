// What a bench case is: a question and the rows that answer it.

/**
 * @typedef {object} Row
 * @property {string} name What was measured, as it stands in the table.
 * @property {string} unit Of `values`: 'x', '%', 'µs', 'ms', 'MB', …
 * @property {number} [atLeast] The target, if there is one; or
 * @property {number} [atMost]
 * @property {'median' | 'worst'} [judge] What meets the target: the median of the rounds (default), or every one.
 * @property {(context: Context) => Promise<{ values: number[], detail?: object } | { skipped: string }>} measure
 *   One value per round, and whatever it was computed from.
 *
 * @typedef {object} Context
 * @property {number} rounds
 * @property {number} threads On both sides of a comparison.
 */

/** @param {{ name: string, question: string, rows: Row[] }} bench */
export function defineBench({ name, question, rows }) {
  for (const row of rows) {
    if (typeof row.measure !== 'function' || typeof row.unit !== 'string')
      throw new TypeError(`${name}: row '${row.name}' needs a unit and a measure function`);
    if (row.atLeast !== undefined && row.atMost !== undefined)
      throw new TypeError(`${name}: row '${row.name}' has two targets`);
  }
  return { name, question, rows };
}
