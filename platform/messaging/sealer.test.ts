import { describe, expect, it } from 'vitest';
import { createSealer } from './sealer.ts';

const CANNOT = 'the sealed value cannot be opened';

describe('a sealer', () => {
  const sealer = createSealer(['the first secret']);

  it('returns the text, and does not show it', () => {
    const sealed = sealer.seal('a token', 'ada');
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('a token');
    expect(sealer.open(sealed, 'ada')).toBe('a token');
  });

  it('never seals a text the same way twice', () => {
    expect(sealer.seal('a token', 'ada')).not.toBe(sealer.seal('a token', 'ada'));
  });

  it('refuses another context, another secret, and a text that was changed or cut', () => {
    const sealed = sealer.seal('a token', 'ada');
    expect(() => sealer.open(sealed, 'bob')).toThrow(CANNOT);
    expect(() => createSealer(['another secret']).open(sealed, 'ada')).toThrow(CANNOT);
    for (const [at, character] of [...sealed].entries()) {
      if (at === sealed.length - 1) continue;
      const changed = sealed.slice(0, at) + (character === 'A' ? 'B' : 'A') + sealed.slice(at + 1);
      expect(() => sealer.open(changed, 'ada')).toThrow(CANNOT);
    }
    for (const text of ['', 'A', sealed.slice(0, 20)]) expect(() => sealer.open(text, 'ada')).toThrow(CANNOT);
  });

  it('opens with each of its secrets, and seals with the first', () => {
    const rotated = createSealer(['the second secret', 'the first secret']);
    expect(rotated.open(sealer.seal('a token', 'ada'), 'ada')).toBe('a token');
    expect(() => sealer.open(rotated.seal('a token', 'ada'), 'ada')).toThrow(CANNOT);
  });
});
