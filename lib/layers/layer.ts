import type { Tensor } from '../tensor.js';
import { readNamedWeights, type SafetensorsOptions, type WeightNames } from './weights-file.js';

/** A layer keeps its weights but does not own them, but for those it has read from a file. */
export abstract class Layer implements Disposable {
  #owned: readonly Tensor[] = [];

  /** @internal What `make` makes of the weights of a file, which it then owns. */
  protected static async ofFile<Weights, Made extends Layer>(
    file: string,
    place: SafetensorsOptions,
    names: WeightNames<Weights>,
    make: (weights: Weights) => Made,
  ): Promise<Made> {
    const { weights, tensors } = await readNamedWeights(file, place, names);
    try {
      const made = make(weights);
      made.#owned = tensors;
      return made;
    } catch (error) {
      for (const tensor of tensors) tensor.dispose();
      throw error;
    }
  }

  /** Disposes of the weights that it has read from a file. */
  dispose(): void {
    for (const tensor of this.#owned) tensor.dispose();
    this.#owned = [];
  }

  /** The same as {@link dispose}. */
  [Symbol.dispose](): void {
    this.dispose();
  }
}
