import { expect, test } from 'vitest';
import { createBoundedCache } from './bounded-cache.ts';

const create = () => createBoundedCache<string>({ sizeMax: 10, sizeOf: ({ length }) => length });

test('The least recently used entries are evicted', async () => {
  const cache = create();
  await cache.set('a', 'aaaa');
  await cache.set('b', 'bbbb');
  await cache.get('a');
  await cache.set('c', 'cccc');
  expect(await Promise.all(['a', 'b', 'c'].map(cache.get))).toEqual(['aaaa', undefined, 'cccc']);
});

test('An entry larger than the cache is not kept', async () => {
  const cache = create();
  await cache.set('a', 'a'.repeat(11));
  expect(await cache.get('a')).toBeUndefined();
});
