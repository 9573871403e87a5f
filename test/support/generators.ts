/** The generator of the worked examples, attention-variants 7: `g(n, b)[k] = sin(0.7 k + b)`. */
export function g(n: number, b: number): Float64Array {
  return Float64Array.from({ length: n }, (_, k) => Math.sin(0.7 * k + b));
}

/** The numbers of a printed listing, whatever separates them. */
export function printed(text: string): number[] {
  return text
    .split(/[^-+.\dinf]+/)
    .filter((word) => word !== '')
    .map((word) => (word === '-inf' ? -Infinity : Number(word)));
}
