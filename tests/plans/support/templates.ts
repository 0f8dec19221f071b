import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '#scripts/local/settings.ts';

/** Shorter templates are conditions, which do not identify a statement. */
const STATEMENT_LENGTH_MIN = 25;

export const withoutSpaces = (sql: string): string => sql.replaceAll(/\s+/g, '');

/** The longest constant part of each SQL template in these files, without white space. */
export function templatesIn(pattern: string): { file: string; part: string }[] {
  const files = globSync(pattern, { cwd: root }).filter((file) => !file.includes('.test.'));
  return files.flatMap((file) => {
    const source = readFileSync(join(root, file), 'utf8');
    const parts = [...source.matchAll(/sql`/g)].map(({ index }) => longestPart(source, index + 'sql`'.length));
    return parts.filter((part) => part.length >= STATEMENT_LENGTH_MIN).map((part) => ({ file, part }));
  });
}

/** The longest constant text between the placeholders of the template at `start`. Placeholders may hold templates. */
function longestPart(source: string, start: number): string {
  const parts = [''];
  let depth = 0;
  for (let at = start; at < source.length && !(depth === 0 && source[at] === '`'); at += 1) {
    if (source[at] === '{' && (depth > 0 || source[at - 1] === '$')) depth += 1;
    else if (source[at] === '}' && depth > 0) depth -= 1;
    else if (depth === 0 && source[at] === '$' && source[at + 1] === '{') parts.push('');
    else if (depth === 0) parts.push(`${parts.pop()}${source[at]}`);
  }
  return parts.map(withoutSpaces).reduce((one, other) => (other.length > one.length ? other : one));
}
