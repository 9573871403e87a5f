// Prints what this machine's arithmetic and memory can do, measured now.

import { explain } from '../../dist/esm.mjs';

const { ceilings } = await explain({ op: 'attention', b: 1, sQ: 16, sKv: 16, hQ: 1, hKv: 1, d: 64 });
console.log(JSON.stringify(ceilings));
