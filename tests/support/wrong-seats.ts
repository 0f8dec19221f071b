import type { Connection } from 'mariadb';

/** The events of a booking database whose confirmed and free seats do not add up to the total, or with free seats < 0. */
export const findWrongSeats = (
  connection: Connection,
): Promise<{ event_id: string; total_seats: number; available_seats: number; confirmed: number }[]> =>
  connection.query(
    `SELECT inventories.event_id, total_seats, available_seats,
            CAST(COALESCE(SUM(seat_count), 0) AS SIGNED INTEGER) AS confirmed
     FROM inventories LEFT JOIN bookings ON bookings.event_id = inventories.event_id AND bookings.status = 'CONFIRMED'
     GROUP BY inventories.event_id, total_seats, available_seats
     HAVING available_seats < 0 OR confirmed + available_seats <> total_seats`,
  );
