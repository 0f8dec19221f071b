import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '#scripts/local/settings.ts';

const PAGES = globSync('**/*.md', { cwd: root, exclude: ['**/node_modules/**', '.data/**'] });

/** Returns the link targets of a page that are files of the repository. */
const linksOf = (page: string): string[] =>
  [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)].map(
    ([, link = '']) => link,
  );

describe('The documentation', () => {
  it.each(PAGES)('%s links only to files that exist', (page) => {
    expect(linksOf(page).filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
  });

  it('lists every decision in its index', () => {
    const files = globSync('*.md', { cwd: join(root, 'docs/decisions') }).filter((file) => file !== 'README.md');
    expect(linksOf('docs/decisions/README.md').toSorted()).toEqual(files.toSorted());
  });

  it('uses the same headings in every decision record', () => {
    for (const file of linksOf('docs/decisions/README.md')) {
      const headings = readFileSync(join(root, 'docs/decisions', file), 'utf8').match(/^#.*$/gm);
      expect(headings).toEqual([expect.stringMatching(/^# \d{4} /), '## Context', '## Decision', '## Consequences']);
    }
  });
});
