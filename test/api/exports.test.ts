/** Both entries of the package export the same names: that of ES modules lists them, as `export *` would say too much. */

import fs from 'node:fs';
import path from 'node:path';

/** Names and types in the braces of every `export` of an entry, each as 'Name' or 'type Name'. */
function exportsOf(entry: string): string[] {
  const text = fs.readFileSync(path.resolve(__dirname, '../../lib', entry), 'utf8');
  const names = [...text.matchAll(/^export (type )?\{([^}]*)\}/gm)].flatMap(([, type = '', list]) =>
    list!
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => type + name),
  );
  return names.sort();
}

test('esm.mts exports what index.ts does', () => {
  const names = exportsOf('index.ts');
  expect(names).toContain('attention');
  expect(names).toContain('type TensorOptions');
  expect(exportsOf('esm.mts')).toEqual(names);
  expect(new Set(names).size).toBe(names.length);
});
