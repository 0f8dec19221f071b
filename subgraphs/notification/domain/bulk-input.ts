import { z } from 'zod';
import { instant, wholeNumber } from '#platform/errors/validation.ts';
import type { NotificationChannel, NotificationKind } from './notification.ts';

const optional = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((value) => value ?? undefined);

/** The name columns are ASCII: the database refuses to compare them with other text. */
const name = z.string().regex(/^[\x20-\x7e]{1,255}$/, 'must have 1 to 255 ASCII characters');

const times = { createdFrom: optional(instant()), createdBefore: optional(instant()) };

/** Treats a missing filter as a filter without conditions. */
const orNone = <Schema extends z.ZodObject>(filter: Schema) =>
  filter.nullish().transform((value): z.output<Schema> => value ?? filter.parse({}));

/** The rules for the arguments of retryNotifications. */
export const retryNotificationsRules = z.object({
  filter: orNone(
    z.object({
      channel: optional(z.custom<NotificationChannel>()),
      kind: optional(z.custom<NotificationKind>()),
      eventId: optional(z.string()),
      userId: optional(z.string()),
      ...times,
    }),
  ),
  limit: wholeNumber(1, 1_000),
});
export type RetryNotificationsRequest = z.output<typeof retryNotificationsRules>;

/** The rules for the arguments of redriveDeadLetters. The limit is lower, because a dead letter may have megabytes. */
export const redriveDeadLettersRules = z.object({
  filter: orNone(z.object({ consumer: optional(name), subject: optional(name), ...times })),
  limit: wholeNumber(1, 100),
});
export type RedriveDeadLettersRequest = z.output<typeof redriveDeadLettersRules>;
