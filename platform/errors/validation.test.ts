import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { instant, isId, parseArgument, parseInput, text, wholeNumber } from './validation.ts';

const fieldOf = (schema: z.ZodType, value: unknown) => {
  const result = parseInput(z.object({ field: schema }), { field: value });
  return result.ok ? { value: (result.value as { field: unknown }).field } : { refused: result.error.message };
};

describe('text', () => {
  it('counts characters, not UTF-16 units', () => {
    expect(fieldOf(text(1, 3), '🎟🎟🎟')).toEqual({ value: '🎟🎟🎟' });
    expect(fieldOf(text(1, 3), '🎟🎟🎟🎟')).toEqual({ refused: 'input.field must have 1 to 3 characters.' });
  });

  it('is trimmed before it is measured', () => {
    expect(fieldOf(text(1, 3), '  abc ')).toEqual({ value: 'abc' });
    expect(fieldOf(text(1, 3), '   ')).toEqual({ refused: 'input.field must have 1 to 3 characters.' });
  });

  it.each(['a\u0000b', 'a\u0007b', 'a\nb', 'a\u0085b', 'a\u007fb'])('refuses the control character in %j', (value) => {
    expect(fieldOf(text(1, 9), value)).toEqual({ refused: 'input.field must not contain control characters.' });
  });

  it('may contain line breaks where `lines` allows them, but no NUL', () => {
    expect(fieldOf(text(1, 9, { lines: true }), 'a\nb\tc')).toEqual({ value: 'a\nb\tc' });
    expect(fieldOf(text(1, 9, { lines: true }), 'a\u0000b')).toHaveProperty('refused');
  });

  it('refuses half a surrogate pair', () => {
    expect(fieldOf(text(1, 9), 'a\ud800')).toEqual({ refused: 'input.field is not well-formed Unicode.' });
  });

  it('refuses other types than strings', () => {
    expect(fieldOf(text(1, 9), 5)).toHaveProperty('refused');
    expect(fieldOf(text(1, 9), null)).toHaveProperty('refused');
  });
});

describe('a whole number', () => {
  it.each([1, 10])('may be equal to its bound %i', (value) =>
    expect(fieldOf(wholeNumber(1, 10), value)).toEqual({ value }),
  );

  it.each([0, 11, 1.5, Number.NaN, '3', null])('may not be %s', (value) => {
    expect(fieldOf(wholeNumber(1, 10), value)).toEqual({ refused: 'input.field must be a whole number from 1 to 10.' });
  });
});

describe('an instant', () => {
  it('is converted to UTC from any offset', () => {
    expect(fieldOf(instant(), '2026-11-22T10:30:00+01:00')).toEqual({ value: new Date('2026-11-22T09:30:00.000Z') });
  });

  it.each(['tomorrow', '2026-11-22', '2026-02-30T00:00:00Z', '2026-11-22T09:30:00', '1969-12-31T23:59:59Z', ''])(
    'may not be %j',
    (value) => expect(fieldOf(instant(), value)).toHaveProperty('refused'),
  );
});

describe('refusals', () => {
  it('name the field of nested input', () => {
    const result = parseInput(z.object({ outer: z.object({ inner: text(1, 2) }) }), { outer: { inner: 'abc' } });
    expect(result).toMatchObject({ ok: false, error: { code: 'INVALID_INPUT', field: 'input.outer.inner' } });
  });

  it('of an argument have the code BAD_USER_INPUT and name the argument', () => {
    const refusal = expect.objectContaining({
      message: 'filter.name must have 1 to 2 characters.',
      extensions: { code: 'BAD_USER_INPUT' },
    });
    expect(() => parseArgument(z.object({ name: text(1, 2) }), 'filter', { name: 'abc' })).toThrow(refusal);
  });
});

describe('an id', () => {
  it('is a UUID in lower case and nothing else', () => {
    expect(isId('019aaaaa-bbbb-7ccc-8ddd-eeeeeeeeeeee')).toBe(true);
    for (const value of ['', 'x', '019AAAAA-bbbb-7ccc-8ddd-eeeeeeeeeeee', "' OR 1=1 --", 'é'.repeat(36)]) {
      expect(isId(value)).toBe(false);
    }
  });
});
