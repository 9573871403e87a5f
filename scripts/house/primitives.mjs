// Every primitive that native/simt declares is in the list of some check of test/simt, which the emulator and a GPU
// run; and what a check names exists.

const isDeclaration = ({ name }) => /^native\/simt\/[^/]+\.h$/.test(name);
const isCheck = ({ name }) => /^test\/simt\/[^/]+\.h$/.test(name);

export function checkPrimitives(files, findings) {
  const headers = files.filter(isDeclaration);
  const checked = new Map();
  for (const { name, text } of files.filter(isCheck))
    for (const primitive of namesIn(text)) checked.set(primitive, name);

  for (const { name, lines } of headers)
    lines.forEach((line, index) => {
      const primitive = /^\s*FATTN_DEVICE\b.*?\b(\w+)\(/.exec(line.replace(/\/\/.*$/, ''))?.[1];
      if (primitive && primitive !== 'run' && !checked.has(primitive))
        findings.fail(name, index + 1, `${primitive} has no check: add one that names it to test/simt/`);
    });
  for (const [primitive, name] of checked)
    if (!headers.some(({ text }) => new RegExp(`\\b${primitive}\\(`).test(text)))
      findings.fail(name, 0, `checks ${primitive}, which native/simt/ does not declare`);
}

/** The names in `{{"sync_block", …}, Needs::…`. */
function namesIn(text) {
  const lists = text.match(/\{\{(?:\s*"\w+",?)+\s*\}/g) ?? [];
  return lists.flatMap((list) => [...list.matchAll(/"(\w+)"/g)].map(([, name]) => name));
}
