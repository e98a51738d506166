"""What stands in Azure, without a vendor's field names."""
