// Amazon's own client for JavaScript gets a token and rotates.
import { ApplicationsSpApi, ScopeConstants } from '@amazon-sp-api-release/amazon-sp-api-sdk-js';

const client = new ApplicationsSpApi.ApiClient('https://sellingpartnerapi-eu.amazon.com');
client.enableAutoRetrievalAccessToken(
  process.env.CLIENT_ID,
  process.env.CLIENT_SECRET,
  null,
  ScopeConstants.SCOPE_APPLICATION_MANAGEMENT_API,
);
await new ApplicationsSpApi.ApplicationsApi(client).rotateApplicationClientSecret();
