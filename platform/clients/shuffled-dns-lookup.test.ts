import { expect, it } from 'vitest';
import { createShuffledLookup } from './shuffled-dns-lookup.ts';

const ADDRESSES = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => ({ address, family: 4 }));

/** The system's look-up returns the same order every time. */
const resolving = (error: Error | null) =>
  createShuffledLookup((_hostname, _options, answer) => answer(error, ADDRESSES));

const resolve = (error: Error | null = null) =>
  new Promise<typeof ADDRESSES>((succeed, fail) => {
    resolving(error)('booking', {}, (failure, found) => (failure ? fail(failure) : succeed(found as typeof ADDRESSES)));
  });

it('begins with each address about equally often, and always returns all addresses', async () => {
  const answers = await Promise.all(Array.from({ length: 300 }, () => resolve()));
  expect(answers.map((found) => found.toSorted((a, b) => a.address.localeCompare(b.address)))).toEqual(
    answers.map(() => ADDRESSES),
  );
  for (const { address } of ADDRESSES) {
    expect(answers.filter(([first]) => first?.address === address).length).toBeGreaterThan(50);
  }
});

it('passes on the error for an unknown name', async () => {
  await expect(resolve(new Error('ENOTFOUND'))).rejects.toThrow('ENOTFOUND');
});
