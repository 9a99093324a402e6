// What everything in the page calls by the same name.

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export const CLIENT_ID = 'amzn1.application-oa2-client.shop';
export const QUEUE = 'lwa';
export const TARGETS = [{ name: 'shop.env', place: 'file://page/shop.env' }, { name: 'orders-service', place: 'function://page/orders-service' }];

/** What the component gets from `settings.find`. */
export const SETTINGS = {
  clientId: CLIENT_ID,
  tokenEndpoint: 'https://api.amazon.com/auth/o2/token',
  apiEndpoint: 'https://sellingpartnerapi-na.amazon.com',
  queue: QUEUE,
  rotate: 'automatic',
  rotateBefore: (30 * DAY) / SECOND,
  patience: HOUR / SECOND,
  targets: TARGETS,
  userAgent: { application: 'lwa-rotate-page', version: '0.1', language: 'JavaScript' },
};
