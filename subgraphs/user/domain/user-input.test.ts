import { describe, expect, it } from 'vitest';
import { parseInput } from '#platform/errors/validation.ts';
import { createUserRules, signInRules } from './user-input.ts';

const valid = { name: 'Ada', email: 'ada@example.org', password: 'correct horse battery' };

describe('the rules of createUser', () => {
  it.each([
    ['  Ada@Example.ORG ', 'ada@example.org'],
    ["o'brien+tag@mail.example.org", "o'brien+tag@mail.example.org"],
  ])('normalize the e-mail %j to %j', (email, normal) => {
    expect(parseInput(createUserRules, { ...valid, email })).toEqual({ ok: true, value: { ...valid, email: normal } });
  });

  it.each([
    ['name', ''],
    ['name', '   '],
    ['name', 'x'.repeat(121)],
    ['name', 'Ada\nLovelace'],
    ['name', 'Ada\u0000'],
    ['name', 'Ada\ud800'],
    ['email', ''],
    ['email', 'ada'],
    ['email', 'ada@example'],
    ['email', 'ada@@example.org'],
    ['email', 'ada lovelace@example.org'],
    ['email', 'ada@example.org\r\nBcc: all@example.org'],
    ['email', 'ada@example.org\u0000'],
    // Starts with the Kelvin sign, which becomes an ordinary k in lower case.
    ['email', '\u212aelvin@example.org'],
    ['email', `${'a'.repeat(243)}@example.org`],
    ['password', 'eleven char'],
    ['password', 'x'.repeat(129)],
    ['password', 'correct horse\u0000battery'],
    ['password', 'correct horse\ud800 battery'],
  ])('refuse %s %j and name the field', (field, value) => {
    expect(parseInput(createUserRules, { ...valid, [field]: value })).toMatchObject({
      ok: false,
      error: { code: 'INVALID_INPUT', field: `input.${field}` },
    });
  });

  it.each([
    ['name', '𝔸'.repeat(120)],
    ['email', `${'a'.repeat(242)}@example.org`],
    ['password', '🔑'.repeat(12)],
    ['password', 'x'.repeat(128)],
    ['password', '  a space at both ends  '],
  ])('accept %s %j, with the length counted in characters', (field, value) => {
    expect(parseInput(createUserRules, { ...valid, [field]: value })).toMatchObject({
      ok: true,
      value: { [field]: value },
    });
  });

  it('treat composed and decomposed characters as the same password', () => {
    const spelled = (password: string) => parseInput(createUserRules, { ...valid, password });
    expect(spelled('cre\u0300me bru\u0302le\u0301e')).toEqual(spelled('crème brûlée'));
  });
});

describe('the rules of signIn', () => {
  it('accept a password that is shorter than the minimum for new passwords', () => {
    expect(parseInput(signInRules, { email: valid.email, password: 'short' })).toMatchObject({ ok: true });
  });

  it('refuse a password that is longer than the maximum', () => {
    expect(parseInput(signInRules, { email: valid.email, password: 'x'.repeat(129) })).toMatchObject({ ok: false });
  });
});
