import type { Logger } from '#platform/process/logger.ts';
import type { Channel } from '../domain/delivery.ts';

/** Writes each notification to the log, without the recipient. */
export const createLogChannel = (logger: Logger): Channel => ({
  deliveriesMax: 100,
  async deliver({ notification: { id, bookingId, kind, seatCount }, event }) {
    const about = { notificationId: id, bookingId, kind, seatCount, event: event.name, startsAt: event.startsAt };
    logger.info(about, 'notification');
  },
});
