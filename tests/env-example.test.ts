import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SUBGRAPHS } from '#services';

describe('.env.example', () => {
  const listed = [...readFileSync('.env.example', 'utf8').matchAll(/^([A-Z][A-Z0-9_]+)=/gm)].map(([, name]) => name);
  const configs = ['platform/process/config.ts', ...globSync(['gateway/config.ts', 'subgraphs/*/config.ts'])];
  const read = configs.flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(/^\s+([A-Z][A-Z0-9]*_[A-Z0-9_]+|HOST|PORT): /gm)].map(([, name]) => name),
  );

  it('lists every variable that a service reads exactly once', () => {
    expect(configs).toHaveLength(2 + SUBGRAPHS.length);
    expect(read).toContain('BOOKING_QUEUE_TIMEOUT_MS');
    expect(read.filter((name) => !listed.includes(name))).toEqual([]);
    expect(new Set(listed).size).toBe(listed.length);
  });
});
