// Finds the cases: every file of a folder that ends in .bench.mjs.

import fs from 'node:fs';

/** @param {URL} folder */
export async function casesIn(folder) {
  const files = fs.readdirSync(folder).filter((file) => file.endsWith('.bench.mjs'));
  return Promise.all(files.sort().map(async (file) => (await import(new URL(file, folder))).default));
}

export const ownCases = () => casesIn(new URL('cases/', import.meta.url));
