import type { Connection } from 'mariadb';

/** Returns the events of a booking database whose booked and free seats do not add up to the total, or with free seats < 0. */
export async function findWrongSeats(
  connection: Connection,
): Promise<{ eventId: string; total: number; free: number; booked: number }[]> {
  const rows = await connection.query<{ eventId: string; total: number; free: number; booked: bigint | number }[]>(
    `SELECT inventories.event_id AS eventId, total_seats AS total, available_seats AS free,
            COALESCE(SUM(seat_count), 0) AS booked
     FROM inventories LEFT JOIN bookings ON bookings.event_id = inventories.event_id AND bookings.status = 'CONFIRMED'
     GROUP BY inventories.event_id, total_seats, available_seats
     HAVING free < 0 OR booked + free <> total`,
  );
  return rows.map((row) => ({ ...row, booked: Number(row.booked) }));
}
