// The process lives until a promise of ours is settled, also where nothing else keeps it.

import { attention, Tensor } from '../../../dist/index.js';

const x = Tensor.randn([1, 1024, 4, 64]);
void attention(x, x, x)
  .toArray()
  .then(() => console.log('done'));
