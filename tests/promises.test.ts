import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '#scripts/local/settings.ts';

const ROWS = Array.from({ length: 13 }, (_, index) => `r${index + 10}`);

test.each(ROWS)('%s of the promises has a file in tests/faults, and one of its tests has a control', (row) => {
  const files = globSync(`${row}-*.test.ts`, { cwd: join(root, 'tests/faults') });
  const texts = files.map((file) => readFileSync(join(root, 'tests/faults', file), 'utf8'));
  expect(texts.some((text) => /\b(promise|faultTest)\(/.test(text) && /\bfails: \//.test(text))).toBe(true);
});
