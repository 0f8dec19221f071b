import { describe, expect, it } from 'vitest';
import { CONTRACTS, exampleOf } from '#scripts/messages.ts';

const ALL = Object.entries(CONTRACTS).flatMap(([publisher, { stream, messages }]) =>
  Object.entries(messages).map(([type, schema]) => ({ publisher, stream, type, schema })),
);

describe.each(ALL)('$type', ({ publisher, stream, type, schema }) => {
  it('is named publisher.event.version and belongs to the stream of its publisher', () => {
    expect(type).toMatch(new RegExp(`^${publisher}\\.[a-z]+(-[a-z]+)*\\.v\\d+$`));
    expect(stream.subjects).toEqual([`${publisher}.>`]);
  });

  it('accepts its example, and ignores fields that its consumers do not know yet', () => {
    const example = exampleOf(schema);
    const parsed = schema.parse(example);
    expect(schema.parse({ ...example, addedLater: { with: ['any', 'form'] } })).toEqual(parsed);
  });

  it('refuses its example when any field is missing', () => {
    const example = exampleOf(schema);
    for (const field of Object.keys(example)) {
      expect(() => schema.parse({ ...example, [field]: undefined })).toThrow(field);
    }
  });
});
