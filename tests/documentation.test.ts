import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '#scripts/local/settings.ts';

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object };
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

  it.each(PAGES)('%s names only npm scripts that exist', (page) => {
    const names = [...readFileSync(join(root, page), 'utf8').matchAll(/\bnpm run ([\w:-]*\w)/g)].map(
      ([, name = '']) => name,
    );
    expect(names.filter((name) => !Object.hasOwn(scripts, name))).toEqual([]);
  });

  it('lists every benchmark for contributors', () => {
    const page = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8');
    const benchmarks = Object.keys(scripts).filter((name) => name.startsWith('bench:'));
    expect(benchmarks.filter((name) => !page.includes(`| \`npm run ${name}\` `))).toEqual([]);
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
