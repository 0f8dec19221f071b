import { notifications } from '@mantine/notifications';
import { useEffect } from 'react';
import { WatchOwnBookingsDocument } from '#client/generated/graphql.ts';
import { watch } from './live.ts';
import { reload } from './parts/states.tsx';

const TITLES = { CONFIRMED: 'Booking confirmed', CANCELLED: 'Booking cancelled' };

/** Shows changes of the user's bookings as they happen, wherever the user is in the page. */
export function useBookingNews(userId: string | undefined): void {
  useEffect(() => {
    if (userId === undefined) return;
    return watch(WatchOwnBookingsDocument, {}, ({ myBookings: change }) => {
      void reload('bookings');
      if (change.kind === 'REFRESH') return;
      notifications.show({
        title: TITLES[change.kind],
        message: change.booking?.event?.name ?? 'See your bookings.',
        color: change.kind === 'CONFIRMED' ? 'evergreen' : 'gray',
        closeButtonProps: { 'aria-label': 'Close' },
      });
    });
  }, [userId]);
}
