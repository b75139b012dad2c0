"""What every engine has whose judges are behind servers, whatever those speak."""
