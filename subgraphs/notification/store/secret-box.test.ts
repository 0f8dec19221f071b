import { expect, test } from 'vitest';
import { createSecretBox } from './secret-box.ts';

const SECRET = 'whsec_C2FVsBQIhrscChlQIMV';
const box = createSecretBox(['the first key of the box']);

test('a sealed secret can be opened again, and looks different each time', () => {
  const sealed = box.seal(SECRET, 'webhook-1');
  expect(box.open(sealed, 'webhook-1')).toBe(SECRET);
  expect(Buffer.from(sealed).toString('latin1')).not.toContain('whsec_');
  expect(box.seal(SECRET, 'webhook-1')).not.toEqual(sealed);
});

test('it cannot be opened in another row, when it was changed, or with another key', () => {
  const sealed = box.seal(SECRET, 'webhook-1');
  expect(() => box.open(sealed, 'webhook-2')).toThrow('no key');
  const changed = sealed.map((byte, index) => (index === 20 ? byte ^ 1 : byte));
  expect(() => box.open(changed, 'webhook-1')).toThrow('no key');
  expect(() => createSecretBox(['another key of the box']).open(sealed, 'webhook-1')).toThrow('no key');
});

test('while a key is replaced, the first one seals and both open', () => {
  const both = createSecretBox(['the second key of the box', 'the first key of the box']);
  expect(both.open(box.seal(SECRET, 'w'), 'w')).toBe(SECRET);
  expect(() => box.open(both.seal(SECRET, 'w'), 'w')).toThrow('no key');
});
