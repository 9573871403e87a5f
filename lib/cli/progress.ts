import { SingleBar } from 'cli-progress';

/** How far a run is, on standard error: a bar on a terminal, a line per piece of work elsewhere. */
export interface Progress {
  /** What is being done from now on. */
  begin(label: string): void;
  /** `share` of the whole run is done, 0 to 1. */
  advance(share: number): void;
  stop(): void;
}

export function createProgress(): Progress {
  return process.stderr.isTTY ? new BarProgress() : new LineProgress();
}

class BarProgress implements Progress {
  readonly #bar = new SingleBar({
    format: '{bar} {percentage}%  {label}',
    stream: process.stderr,
    barsize: 30,
    clearOnComplete: true,
    hideCursor: true,
    gracefulExit: true,
  });

  constructor() {
    this.#bar.start(1000, 0, { label: '' });
  }

  begin(label: string): void {
    this.#bar.update({ label });
  }

  advance(share: number): void {
    this.#bar.update(Math.round(1000 * share));
  }

  stop(): void {
    this.#bar.stop();
  }
}

class LineProgress implements Progress {
  begin(label: string): void {
    process.stderr.write(`${label}\n`);
  }

  advance(): void {}

  stop(): void {}
}
