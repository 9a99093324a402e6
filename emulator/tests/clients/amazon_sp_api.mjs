// amazon-sp-api gets a token and rotates.
import { SellingPartner } from 'amazon-sp-api';

const client = new SellingPartner({
  region: 'eu',
  credentials: {
    SELLING_PARTNER_APP_CLIENT_ID: process.env.CLIENT_ID,
    SELLING_PARTNER_APP_CLIENT_SECRET: process.env.CLIENT_SECRET,
  },
  options: { only_grantless_operations: true },
});
await client.callAPI({
  operation: 'rotateApplicationClientSecret',
  endpoint: 'applicationManagement',
  // It has a scope for the operations of notifications alone.
  scope: 'sellingpartnerapi::client_credential:rotation',
});
