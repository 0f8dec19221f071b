import { z } from 'zod';
import { instant, wholeNumber } from '#platform/errors/validation.ts';
import type { NotificationChannel, NotificationKind } from './notification.ts';

const optional = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((value) => value ?? undefined);

/** Other text is not comparable with a name for the database. */
const name = z.string().regex(/^[\x20-\x7e]{1,255}$/, 'must have 1 to 255 ASCII characters');

const times = { createdFrom: optional(instant()), createdBefore: optional(instant()) };

/** No filter is one without conditions. */
const orNone = <Schema extends z.ZodObject>(filter: Schema) =>
  filter.nullish().transform((value): z.output<Schema> => value ?? filter.parse({}));

/** Which FAILED notifications are tried again, and how many at the most by one call. */
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

/** Which dead letters are put back, and how many at the most by one call: each may have megabytes. */
export const redriveDeadLettersRules = z.object({
  filter: orNone(z.object({ consumer: optional(name), subject: optional(name), ...times })),
  limit: wholeNumber(1, 100),
});
export type RedriveDeadLettersRequest = z.output<typeof redriveDeadLettersRules>;
