/** Numbers with a shape, read with broadcasting: axes are aligned on the right, an axis of size 1 repeats. */
export interface Grid {
  data: ArrayLike<number>;
  shape: readonly number[];
}

/** Reads `grid` as if it had four axes. */
export function reader(grid: Grid): (a: number, b: number, c: number, d: number) => number {
  const strides = [0, 0, 0, 0];
  let stride = 1;
  for (let axis = grid.shape.length - 1, place = 3; axis >= 0; --axis, --place) {
    if (grid.shape[axis] !== 1) strides[place] = stride;
    stride *= grid.shape[axis]!;
  }
  const [sa, sb, sc, sd] = strides as [number, number, number, number];
  return (a, b, c, d) => grid.data[a * sa + b * sb + c * sc + d * sd]!;
}
