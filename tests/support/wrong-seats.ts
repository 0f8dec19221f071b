import type { Connection } from 'mariadb';

/** An event whose seats do not add up. */
interface WrongSeats {
  readonly eventId: string;
  readonly total: number;
  readonly free: number;
  readonly booked: number;
  readonly held: number;
}

/**
 * Returns the events of a booking database whose booked, held and free seats do not add up to the total, whose number of
 * held seats is not that of their holds, or with free seats < 0.
 */
export async function findWrongSeats(connection: Connection): Promise<WrongSeats[]> {
  const rows = await connection.query<(Omit<WrongSeats, 'booked'> & { booked: bigint | number | string })[]>(
    `SELECT inventories.event_id AS eventId, total_seats AS total, available_seats AS free, held_seats AS held,
            COALESCE(booked.seats, 0) AS booked
     FROM inventories
     LEFT JOIN (SELECT event_id, SUM(seat_count) AS seats FROM bookings WHERE status = 'CONFIRMED' GROUP BY event_id)
       AS booked ON booked.event_id = inventories.event_id
     LEFT JOIN (SELECT event_id, SUM(seat_count) AS seats FROM holds WHERE status = 'HELD' GROUP BY event_id)
       AS kept ON kept.event_id = inventories.event_id
     WHERE available_seats < 0 OR COALESCE(booked.seats, 0) + held_seats + available_seats <> total_seats
       OR held_seats <> COALESCE(kept.seats, 0)`,
  );
  return rows.map((row) => ({ ...row, booked: Number(row.booked) }));
}
