import { describe, expect, it } from 'vitest';
import { CONTRACTS, exampleOf } from '#scripts/messages.ts';

const ALL = Object.entries(CONTRACTS).flatMap(([publisher, { stream, messages }]) =>
  Object.entries(messages).map(([type, schema]) => ({ publisher, stream, type, schema })),
);

describe.each(ALL)('$type', ({ publisher, stream, type, schema }) => {
  it('is named object.event.version and belongs to the stream of its publisher', () => {
    expect(type).toMatch(/^[a-z]+\.[a-z]+(-[a-z]+)*\.v\d+$/);
    const [object] = type.split('.');
    expect(stream.subjects).toContain(`${object}.>`);
    expect(Object.values(CONTRACTS).filter(({ stream }) => stream.subjects.includes(`${object}.>`))).toHaveLength(1);
    expect(stream.name.toLowerCase()).toBe(`${publisher}s`);
  });

  it('accepts its example, and ignores fields that its consumers do not know yet', () => {
    const example = exampleOf(schema);
    const parsed = schema.parse(example);
    expect(schema.parse({ ...example, addedLater: { with: ['any', 'form'] } })).toEqual(parsed);
  });

  it('refuses its example when a field is missing, except those that an older release does not send', () => {
    const {
      salesStartAt,
      salesEndAt,
      maxSeatsPerUser,
      cancellationDeadline,
      cancellationReason,
      timeZone,
      previousStartsAt,
      previousVenue,
      ...needed
    } = exampleOf(schema);
    expect(() => schema.parse(needed)).not.toThrow();
    for (const field of Object.keys(needed)) {
      expect(() => schema.parse({ ...needed, [field]: undefined })).toThrow(field);
    }
  });
});
