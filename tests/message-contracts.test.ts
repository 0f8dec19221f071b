import { describe, expect, it } from 'vitest';
import { CONTRACTS, exampleOf } from '#scripts/messages.ts';

const ALL = Object.entries(CONTRACTS).flatMap(([publisher, { stream, messages }]) =>
  Object.entries(messages).map(([type, schema]) => ({ publisher, stream, type, schema })),
);

describe.each(ALL)('$type', ({ publisher, stream, type, schema }) => {
  it('is named after its publisher and its version, on a subject of its stream', () => {
    expect(type).toMatch(new RegExp(`^${publisher}\\.[a-z]+\\.v\\d+$`));
    expect(stream.subjects).toEqual([`${publisher}.>`]);
  });

  it('takes its example, and the same with fields that its readers do not know yet', () => {
    const example = exampleOf(schema);
    const parsed = schema.parse(example);
    expect(schema.parse({ ...example, addedLater: { with: ['any', 'form'] } })).toEqual(parsed);
  });

  it('refuses its example without any one of its fields', () => {
    const example = exampleOf(schema);
    for (const field of Object.keys(example)) {
      expect(() => schema.parse({ ...example, [field]: undefined })).toThrow(field);
    }
  });
});
