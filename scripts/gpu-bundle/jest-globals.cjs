'use strict';
// The parts of Jest that the parity suites use, over Node's own test runner: a GPU machine gets the suites compiled, a
// Node binary, and no Jest.

const { createRequire } = require('node:module');
const path = require('node:path');
const { describe, test } = require('node:test');
// The packages lie beside the suites, not beside this file.
const { expect } = createRequire(path.join(__dirname, 'package', 'package.json'))('expect');

/** '$name' is the row's field, '%s' and kin take the row's values in turn, as in Jest. */
function titleOf(template, row) {
  const values = Array.isArray(row) ? [...row] : [row];
  return template
    .replace(/\$(\w+)/g, (text, field) => (row !== null && typeof row === 'object' && field in row ? row[field] : text))
    .replace(/%[sdifjop]/g, () => String(values.shift()));
}

/** Adds `each` to a function that takes a title and a body. */
function withEach(define) {
  const each = (rows) => (template, body) => {
    for (const row of rows) define(titleOf(template, row), () => (Array.isArray(row) ? body(...row) : body(row)));
  };
  // The runner hands its own context to a body that has a parameter; those of Jest take none.
  return Object.assign((title, body) => define(title, () => body()), { each });
}

Object.assign(globalThis, { describe: withEach(describe), test: withEach(test), it: withEach(test), expect });
