const REDRAW_MS = 200;
const PLAIN_LINE_MS = 2_000;

/** Where a view is drawn: a terminal, or a file that gets plain lines. */
interface Output {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * Draws lines again and again until `done` has settled, and once more at the end. A terminal shows them in place.
 * Elsewhere the first one is written as a plain line, less often.
 */
export async function showWhile(
  done: Promise<unknown>,
  lines: () => readonly [string, ...string[]],
  output: Output = process.stdout,
): Promise<void> {
  let drawn = 0;
  const show = () => {
    const [first, ...others] = lines();
    if (!output.isTTY) return output.write(`${first}\n`);
    const shown = [first, ...others].map((line) => `\x1b[2K${line.slice(0, (output.columns || 80) - 1)}\n`);
    output.write((drawn > 0 ? `\x1b[${drawn}A` : '') + shown.join(''));
    drawn = shown.length;
  };
  const timer = setInterval(show, output.isTTY ? REDRAW_MS : PLAIN_LINE_MS);
  try {
    await done;
  } finally {
    clearInterval(timer);
    show();
  }
}

/** Returns a bar with a share from 0 to 1 of it filled. */
export function bar(share: number, width = 40): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '█'.repeat(filled) + '░'.repeat(width - filled);
}
